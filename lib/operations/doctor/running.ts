import { DescribeContainerInstancesCommand, ListContainerInstancesCommand } from '@aws-sdk/client-ecs';
import { ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns';
import { clusterName, stackName } from '../../config';
import { alarmShortName, alarmsOf, topicOf } from '../aws/alarms';
import { rollbacksAmong } from '../aws/rollbacks';
import { isSteady, servicesOf } from '../aws/services';
import type { OperationsContext } from '../context';
import { ago, counted } from '../output/amounts';
import { capitalised } from '../output/sentence';
import { expected, failed, ok, warned } from './finding';
import type { Finding } from './finding';

/** Whether both stacks have ended well. */
export async function checkStacks(context: OperationsContext): Promise<Finding[]> {
  const stage = await context.deployed();
  const configuration = await context.configuration();
  return Promise.all(
    (['stateful', 'stateless'] as const).map(async (part) => {
      const { StackStatus = 'unknown', StackStatusReason } = await stage.stack(part);
      const found =
        StackStatusReason === undefined || StackStatusReason === ''
          ? StackStatus
          : `${StackStatus} (${StackStatusReason})`;
      return expected(
        `stack, ${part}`,
        found,
        /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(StackStatus),
        `See aws cloudformation describe-stack-events --stack-name ${stackName(configuration, part)}, and "A deploy that failed" in docs/deploy.md.`,
        /IN_PROGRESS$/.test(StackStatus) ? 'warning' : 'failed',
      );
    }),
  );
}

export async function checkServices(context: OperationsContext): Promise<Finding[]> {
  const aws = await context.aws();
  const services = await servicesOf(aws, await context.configuration());
  const rollbacks = await rollbacksAmong(aws, services);
  const ended = rollbacks.ended.map(({ process, running, was }) =>
    warned(
      `version, ${process}`,
      `revision ${running} runs again, which was rolled back from to ${was}: a deploy ended that`,
      `Roll back again: npx holdfast rollback ${process} --to ${was}; or keep it: npx holdfast rollback ${process} --undo.`,
    ),
  );
  const rolledBack = rollbacks.rolledBack.map(({ process, from, to, at }) =>
    warned(
      `version, ${process}`,
      `rolled back${at === undefined ? '' : ` ${ago(at)}`}: revision ${to} runs instead of ${from}, which was deployed`,
      `Deploy a mended version, or run what was deployed: npx holdfast rollback ${process} --undo.`,
    ),
  );
  const running = services.map((service) => {
    const { serviceName = '', runningCount = 0, desiredCount = 0, deployments = [], events = [] } = service;
    const found = `${runningCount} of ${counted(desiredCount, 'container')} run${deployments.length > 1 ? `, ${deployments.length} deployments` : ''}`;
    if (isSteady(service)) return ok(`process, ${serviceName}`, found);
    const last = events[0]?.message;
    const fix = `See npx holdfast logs ${serviceName}${last === undefined ? '' : `; Amazon ECS says: ${last}`}`;
    return runningCount < desiredCount
      ? failed(`process, ${serviceName}`, found, fix)
      : warned(`process, ${serviceName}`, found, fix);
  });
  return [...running, ...rolledBack, ...ended];
}

/** Whether the instances' agents are connected: others run what they run and get nothing new. */
export async function checkInstances(context: OperationsContext): Promise<Finding[]> {
  const { ecs } = await context.aws();
  const { fleet, ...configuration } = await context.configuration();
  const cluster = clusterName(configuration);
  const { containerInstanceArns = [] } = await ecs.send(new ListContainerInstancesCommand({ cluster }));
  if (containerInstanceArns.length === 0) {
    return [
      failed(
        'instances',
        'none has joined the cluster',
        `See the activity history of the autoscaling group in the EC2 console; fleet.min is ${fleet.min}.`,
      ),
    ];
  }
  const { containerInstances = [] } = await ecs.send(
    new DescribeContainerInstancesCommand({ cluster, containerInstances: containerInstanceArns }),
  );
  const lost = containerInstances.filter(({ agentConnected }) => agentConnected === false);
  const ids = lost.map(({ ec2InstanceId = '' }) => ec2InstanceId).join(', ');
  return [
    expected(
      'instances',
      `${counted(containerInstances.length, 'instance')}${lost.length === 0 ? '' : `; the agent of ${ids} is not connected`}`,
      lost.length === 0,
      'Terminate them through the group: aws autoscaling terminate-instance-in-auto-scaling-group --no-should-decrement-desired-capacity --instance-id ID.',
    ),
  ];
}

export async function checkAlarms(context: OperationsContext): Promise<Finding[]> {
  const configuration = await context.configuration();
  const alarms = await alarmsOf(context);
  if (alarms.length === 0) return [failed('alarms', 'there are none', 'Deploy the stage.')];
  const sounding = alarms.filter(({ StateValue }) => StateValue === 'ALARM');
  if (sounding.length === 0) return [ok('alarms', `none of ${counted(alarms.length, 'alarm')} sounds`)];
  return sounding.map((alarm) => {
    const [meaning = '', firstStep = 'see docs/operations.md.'] = (alarm.AlarmDescription ?? '').split(' First step: ');
    return failed(`alarm, ${alarmShortName(alarm, configuration)}`, meaning, capitalised(firstStep));
  });
}

/** Whether alarms reach somebody. */
export async function checkTopic(context: OperationsContext): Promise<Finding[]> {
  const { alarms, acknowledge } = await context.configuration();
  const TopicArn = await topicOf(context);
  const { sns } = await context.aws();
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  const waiting = Subscriptions.filter(({ SubscriptionArn }) => SubscriptionArn === 'PendingConfirmation');
  if (waiting.length > 0) {
    return [
      failed(
        'alarms, who is told',
        `${waiting.map(({ Endpoint = '' }) => Endpoint).join(', ')} has not confirmed`,
        'Open the message from AWS Notifications there and follow its link; it is valid for two days, then delete the subscription and deploy again.',
      ),
    ];
  }
  if (Subscriptions.length > 0)
    return [ok('alarms, who is told', counted(Subscriptions.length, 'confirmed subscription'))];
  const accepted = acknowledge['holdfast:alarms-reach-nobody'];
  return [
    accepted !== undefined && alarms.emails.length === 0
      ? ok('alarms, who is told', `nobody, as accepted: ${accepted}`)
      : warned('alarms, who is told', 'nobody', 'Name addresses in alarms.emails and deploy.'),
  ];
}
