import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { Stack } from '@aws-sdk/client-cloudformation';
import { GetParametersByPathCommand } from '@aws-sdk/client-ssm';
import { parameterPath, stackName } from '../../config';
import type { StageConfiguration } from '../../config';
import type { AwsClients } from '../aws/clients';
import { isAwsError } from '../aws/told-error';
import { missingError } from '../exit-codes';

type Part = 'stateful' | 'stateless';

/** A stage as it stands in AWS: its stacks and what the kept one has published. */
export class DeployedStage {
  private known: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(
    private readonly aws: AwsClients,
    readonly configuration: StageConfiguration,
    private readonly account: string,
  ) {}

  /** @throws OperationsError when the stack is not there. */
  async stack(part: Part): Promise<Stack> {
    const stack = await this.findStack(part);
    if (stack === undefined) throw this.notDeployed(part);
    return stack;
  }

  async findStack(part: Part): Promise<Stack | undefined> {
    try {
      const StackName = stackName(this.configuration, part);
      const { Stacks } = await this.aws.cloudFormation.send(new DescribeStacksCommand({ StackName }));
      return Stacks?.[0];
    } catch (error) {
      if (isAwsError(error, 'ValidationError') && /does not exist/.test(error.message)) return undefined;
      throw error;
    }
  }

  /** Where people reach the app, without a slash at the end. */
  async url(): Promise<string> {
    const { Outputs = [] } = await this.stack('stateless');
    const url = Outputs.find(({ OutputKey }) => OutputKey === 'Url')?.OutputValue;
    if (url !== undefined) return url;
    const stack = stackName(this.configuration, 'stateless');
    throw missingError(`The stack ${stack} has no output Url: deploy it with npx cdk deploy ${stack}.`);
  }

  /**
   * What the kept stack has published, by concept and field, such as `queue/replication-group-id`; undefined for what
   * the stage does not have of its own, such as a database that existed before.
   */
  async published(concept: string, field: string): Promise<string | undefined> {
    this.known ??= this.readParameters();
    return (await this.known).get(`${concept}/${field}`);
  }

  private async readParameters(): Promise<ReadonlyMap<string, string>> {
    const path = parameterPath(this.configuration);
    const found = new Map<string, string>();
    let token: string | undefined;
    do {
      const answer = await this.aws.ssm.send(
        new GetParametersByPathCommand({
          Path: path,
          Recursive: true,
          ...(token === undefined ? {} : { NextToken: token }),
        }),
      );
      for (const { Name = '', Value } of answer.Parameters ?? []) {
        if (Value !== undefined) found.set(Name.slice(path.length + 1), Value);
      }
      token = answer.NextToken;
    } while (token !== undefined);
    if (found.size === 0) throw this.notDeployed('stateful');
    return found;
  }

  private notDeployed(part: Part) {
    const { stage, region } = this.configuration;
    return missingError(
      `The stage ${stage} is not deployed: account ${this.account} has no stack ${stackName(this.configuration, part)} in ${region}; deploy it with npx cdk deploy --all -c stage=${stage}, or choose another account with AWS_PROFILE.`,
    );
  }
}
