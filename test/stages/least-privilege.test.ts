import reference from '../../holdfast.config';
import { actionsOf, allowingStatements } from '../emulator/permissions/allowed-actions';
import { STAGES, resourcesOf, synthesize } from './synthesize';
import { VARIANTS } from './variants';

const REFERENCE = 'https://docs.aws.amazon.com/service-authorization/latest/reference';

interface Unlimited {
  readonly reason: string;
  /** AWS's list of the service's actions: one without a resource type can only be allowed on `*`. */
  readonly source: string;
}

const exec: Unlimited = {
  reason: 'The channels of ECS Exec get their names when somebody connects.',
  source: `${REFERENCE}/list_amazonmessagegatewayservice.html`,
};

/** Actions for which AWS knows no resources. */
const ON_ANYTHING: Readonly<Record<string, Unlimited>> = {
  'ecr:GetAuthorizationToken': {
    reason: 'The login to the registry; layers are read from the one repository.',
    source: `${REFERENCE}/list_amazonelasticcontainerregistry.html`,
  },
  'ecs:DiscoverPollEndpoint': {
    reason: 'Answers where the agent has to connect to.',
    source: `${REFERENCE}/list_amazonelasticcontainerservice.html`,
  },
  'autoscaling:DescribeAutoScalingGroups': {
    reason: 'Lists; changes are allowed on the one group.',
    source: `${REFERENCE}/list_amazonec2autoscaling.html`,
  },
  'autoscaling:DescribeLifecycleHooks': {
    reason: 'Lists; changes are allowed on the one group.',
    source: `${REFERENCE}/list_amazonec2autoscaling.html`,
  },
  'ssmmessages:CreateControlChannel': exec,
  'ssmmessages:CreateDataChannel': exec,
  'ssmmessages:OpenControlChannel': exec,
  'ssmmessages:OpenDataChannel': exec,
};

/** Policies that AWS writes and changes. */
const MANAGED: Readonly<Record<string, string>> = {
  AmazonSSMManagedInstanceCore: 'The SSM agent of an instance: sessions instead of SSH and its open port.',
  'service-role/AWSLambdaBasicExecutionRole': "The logs of the CDK's own functions, which leave no choice in it.",
};

const DEPLOYMENTS = [
  ...STAGES.map((stage) => [stage, stage, reference] as const),
  ...Object.entries(VARIANTS).map(([name, configuration]) => [name, 'production', configuration] as const),
];

describe.each(DEPLOYMENTS)('%s', (_name, stage, configuration) => {
  const { json } = synthesize(stage, configuration);
  const statements = allowingStatements(json.stateful, json.stateless);

  test('allows on every resource only what knows no resources', () => {
    const onAnything = statements.filter(([, { Resource }]) => [Resource].flat().includes('*'));
    const wrong = onAnything.flatMap(([role, statement]) =>
      actionsOf(statement)
        .filter((action) => ON_ANYTHING[action] === undefined)
        .map((action) => `${role}: ${action}`),
    );
    expect(wrong).toEqual([]);
  });

  test('names every action', () => {
    const patterns = statements.flatMap(([, statement]) =>
      actionsOf(statement).filter((action) => /[*?]/.test(action)),
    );
    expect(patterns).toEqual([]);
  });

  test("takes of AWS's own policies only those that leave no choice", () => {
    const roles = [json.stateful, json.stateless].flatMap((template) => resourcesOf(template, 'AWS::IAM::Role'));
    const names = roles.flatMap(([, { Properties }]) =>
      ((Properties?.ManagedPolicyArns ?? []) as unknown[]).map(
        (arn) => /policy\/([\w/-]+)"/.exec(JSON.stringify(arn))?.[1] ?? JSON.stringify(arn),
      ),
    );
    expect([...new Set(names)].filter((name) => MANAGED[name] === undefined)).toEqual([]);
  });
});
