import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient } from '@aws-sdk/client-ecs';
import { ElastiCacheClient } from '@aws-sdk/client-elasticache';
import { RDSClient } from '@aws-sdk/client-rds';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import { toldError } from './told-error';

const CONNECTION_MS = 5_000;
const REQUEST_MS = 30_000;

/** Each is made when it is first used. All stand in the stage's region and honour AWS_ENDPOINT_URL and AWS_PROFILE. */
export class AwsClients {
  private readonly made = new Map<string, unknown>();

  constructor(
    readonly region: string,
    private readonly signal: AbortSignal,
  ) {}

  get cloudFormation(): CloudFormationClient {
    return this.client('CloudFormation', CloudFormationClient);
  }

  get cloudWatch(): CloudWatchClient {
    return this.client('CloudWatch', CloudWatchClient);
  }

  get logs(): CloudWatchLogsClient {
    return this.client('CloudWatch Logs', CloudWatchLogsClient);
  }

  get ecs(): ECSClient {
    return this.client('ECS', ECSClient);
  }

  get elastiCache(): ElastiCacheClient {
    return this.client('ElastiCache', ElastiCacheClient);
  }

  get rds(): RDSClient {
    return this.client('RDS', RDSClient);
  }

  get secrets(): SecretsManagerClient {
    return this.client('Secrets Manager', SecretsManagerClient);
  }

  get quotas(): ServiceQuotasClient {
    return this.client('Service Quotas', ServiceQuotasClient);
  }

  get sns(): SNSClient {
    return this.client('SNS', SNSClient);
  }

  get ssm(): SSMClient {
    return this.client('Systems Manager', SSMClient);
  }

  get sts(): STSClient {
    return this.client('STS', STSClient);
  }

  private client<Client>(service: string, Kind: new (settings: Settings) => Client): Client {
    const known = this.made.get(service) as Client | undefined;
    if (known !== undefined) return known;
    const client = new Kind({
      region: this.region,
      maxAttempts: 3,
      requestHandler: { connectionTimeout: CONNECTION_MS, requestTimeout: REQUEST_MS },
    });
    // Outermost, so that it sees what the SDK gives up on, missing credentials included.
    (client as unknown as MadeClient).middlewareStack.add(
      (next, context) => async (args) => {
        try {
          return await next(args);
        } catch (error) {
          this.signal.throwIfAborted();
          const operation = (context.commandName ?? 'a request').replace(/Command$/, '');
          throw toldError(error, { service, operation, region: this.region });
        }
      },
      { step: 'initialize', name: 'toldErrors', priority: 'high' },
    );
    this.made.set(service, client);
    return client;
  }
}

interface Settings {
  readonly region: string;
  readonly maxAttempts: number;
  readonly requestHandler: { readonly connectionTimeout: number; readonly requestTimeout: number };
}

type Next = (args: never) => Promise<never>;

/** What all clients of the SDK have; their types differ by their commands only. */
interface MadeClient {
  readonly middlewareStack: {
    add(
      middleware: (next: Next, context: { readonly commandName?: string }) => Next,
      options: { readonly step: 'initialize'; readonly name: string; readonly priority: 'high' },
    ): void;
  };
}
