import { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand } from '@aws-sdk/client-service-quotas';
import { GetParameterCommand, GetParametersByPathCommand } from '@aws-sdk/client-ssm';
import { instanceType } from '../../config';
import type { StageConfiguration } from '../../config';
import type { AwsClients } from '../aws/clients';
import { isAwsError } from '../aws/told-error';
import { cdkContext } from '../cdk-context';
import type { OperationsContext } from '../context';
import { expected, failed, ok, warned } from './finding';
import type { Finding } from './finding';

/** What the CDK's stacks with image and file assets ask for. Source: MIN_BOOTSTRAP_STACK_VERSION in aws-cdk-lib. */
const LEAST_BOOTSTRAP = 6;
const DEFAULT_QUALIFIER = 'hnb659fds';

/** Whether the account and region were prepared for the CDK. */
export async function checkBootstrap(context: OperationsContext): Promise<Finding[]> {
  const aws = await context.aws();
  const qualifier = cdkContext(context.options.root)['@aws-cdk/core:bootstrapQualifier'] ?? DEFAULT_QUALIFIER;
  const mend = `npx cdk bootstrap aws://${await context.account()}/${aws.region}`;
  const version = await parameter(aws, `/cdk-bootstrap/${qualifier}/version`);
  if (version === undefined) return [failed('bootstrap', `${aws.region} is not bootstrapped`, `Run ${mend}.`)];
  const isEnough = Number(version) >= LEAST_BOOTSTRAP;
  return [expected('bootstrap', `version ${version}; ${LEAST_BOOTSTRAP} is needed`, isEnough, `Run ${mend} again.`)];
}

interface Quota {
  readonly check: string;
  readonly service: string;
  /** Service Quotas' own code of it. */
  readonly code: string;
  readonly needed: number;
  readonly unit: string;
  readonly why: string;
}

/** An instance refresh runs twice the instances. */
const REFRESH_FACTOR = 2;

function quotasOf({ fleet, network }: StageConfiguration): Quota[] {
  const vcpus = (type: string, count: number): number => (instanceType(type)?.vcpus ?? 0) * count * REFRESH_FACTOR;
  const { spot } = fleet;
  const why = 'a refresh of the fleet at its maximum runs twice the instances';
  return [
    {
      ...{ check: 'quota, instances', service: 'ec2', code: 'L-1216C47A', unit: 'vCPUs on demand', why },
      needed: vcpus(fleet.instanceType, fleet.max),
    },
    ...(spot === undefined
      ? []
      : [
          {
            ...{ check: 'quota, Spot', service: 'ec2', code: 'L-34B43A08', unit: 'vCPUs on Spot', why },
            needed: Math.max(...spot.instanceTypes.map((type) => vcpus(type, spot.max))),
          },
        ]),
    ...('existing' in network
      ? []
      : [
          {
            ...{ check: 'quota, networks', service: 'vpc', code: 'L-F678F1CE', unit: 'VPCs' },
            ...{ needed: 1, why: 'the stage makes its own' },
          },
          ...(network.natGateways === 0
            ? []
            : [
                {
                  ...{ check: 'quota, addresses', service: 'ec2', code: 'L-0263D0A3', unit: 'Elastic IPs' },
                  ...{ needed: network.natGateways, why: 'each NAT gateway has one' },
                },
              ]),
        ]),
  ];
}

/** Whether the account may have what the stage needs at most; what else stands in the account is not counted. */
export async function checkQuotas(context: OperationsContext): Promise<Finding[]> {
  const aws = await context.aws();
  return Promise.all(
    quotasOf(await context.configuration()).map(async ({ check, service, code, needed, unit, why }) => {
      const value = await quota(aws, service, code);
      if (value === undefined) return ok(check, `no quota ${code} is known here`);
      const found = `${value} ${unit}; the stage needs up to ${needed} (${why})`;
      return expected(
        check,
        found,
        value >= needed,
        `Ask for more: aws service-quotas request-service-quota-increase --region ${aws.region} --service-code ${service} --quota-code ${code} --desired-value ${needed}.`,
      );
    }),
  );
}

/** The account's own value, else AWS's default. */
async function quota(aws: AwsClients, ServiceCode: string, QuotaCode: string): Promise<number | undefined> {
  const asked = { ServiceCode, QuotaCode };
  for (const command of [GetServiceQuotaCommand, GetAWSDefaultServiceQuotaCommand]) {
    try {
      const { Quota } = await aws.quotas.send(new command(asked));
      if (Quota?.Value !== undefined) return Quota.Value;
    } catch (error) {
      if (!isAwsError(error, 'NoSuchResourceException')) throw error;
    }
  }
  return undefined;
}

/** Whether the fleet's image release is there, and whether a newer one is. */
export async function checkMachineImage(context: OperationsContext): Promise<Finding[]> {
  const aws = await context.aws();
  const { fleet } = await context.configuration();
  const arm = instanceType(fleet.instanceType)?.architecture === 'arm64';
  const folder = `/aws/service/ecs/optimized-ami/amazon-linux-2023${arm ? '/arm64' : ''}`;
  const releases = await releasesIn(aws, folder);
  const newest = releases.at(-1);
  if (newest === undefined) return [ok('machine image', `no list of releases in ${aws.region}`)];
  const release = fleet.machineImageRelease;
  const mend = (to: string): string => `Set fleet.machineImageRelease: '${to}' and deploy: the fleet rolls, draining.`;
  if (!releases.includes(release)) {
    return [failed('machine image', `${aws.region} has no release ${release}; the newest is ${newest}`, mend(newest))];
  }
  return release === newest
    ? [ok('machine image', `${release}, the newest release`)]
    : [warned('machine image', `${release}; ${newest} is newer`, mend(newest))];
}

/** Dates of the releases, oldest first. */
async function releasesIn(aws: AwsClients, folder: string): Promise<string[]> {
  const releases = new Set<string>();
  let token: string | undefined;
  do {
    const { Parameters = [], NextToken } = await aws.ssm.send(
      new GetParametersByPathCommand({
        Path: folder,
        Recursive: true,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    for (const { Name = '' } of Parameters) {
      const [, release] =
        /\/al2023-ami-ecs-hvm-2023\.0\.(\d{8})-kernel-6\.1-(?:arm64|x86_64)\/image_id$/.exec(Name) ?? [];
      if (release !== undefined) releases.add(release);
    }
    token = NextToken;
  } while (token !== undefined);
  return [...releases].sort();
}

async function parameter(aws: AwsClients, Name: string): Promise<string | undefined> {
  try {
    return (await aws.ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
  } catch (error) {
    if (isAwsError(error, 'ParameterNotFound')) return undefined;
    throw error;
  }
}
