import { synthesize } from './synthesize';

interface Container {
  readonly Name: string;
  readonly Environment: readonly { readonly Name: string }[];
}

/** Of each process, by its container: whether it is told of objects and mail, and whether its role may use them. */
function toldAndMay(taskEngine: 'holdfast' | 'celery' | 'custom') {
  const { resources } = synthesize({ taskEngine, mail: { from: 'Library <post@example.org>' } });
  const policies = Object.values(resources('AWS::IAM::Policy'));
  const processes = Object.values(resources('AWS::ECS::TaskDefinition')).map(({ Properties }) => {
    const [main] = Properties.ContainerDefinitions as Container[];
    const names = (main?.Environment ?? []).map(({ Name }) => Name);
    const { TaskRoleArn } = Properties as { TaskRoleArn: { 'Fn::GetAtt': [string] } };
    const actions = policies
      .filter(({ Properties: { Roles } }) => JSON.stringify(Roles).includes(TaskRoleArn['Fn::GetAtt'][0]))
      .map(({ Properties: { PolicyDocument } }) => JSON.stringify(PolicyDocument))
      .join();
    const told = { objects: names.includes('OBJECTS_URL'), mail: names.includes('MAIL_URL') };
    const may = { objects: actions.includes('s3:PutObject'), mail: actions.includes('ses:SendEmail') };
    return [main?.Name ?? '', { told, may }] as const;
  });
  return Object.fromEntries(processes);
}

test.each(['holdfast', 'celery', 'custom'] as const)('%s: each process may use what it is told of', (taskEngine) => {
  const processes = toldAndMay(taskEngine);
  expect(Object.keys(processes)).toEqual(['web', 'worker-default', 'scheduler', 'migration']);
  for (const [name, { told, may }] of Object.entries(processes)) expect([name, may]).toEqual([name, told]);
  const all = { objects: true, mail: true };
  const none = { objects: false, mail: false };
  expect(processes.migration?.may).toEqual(taskEngine === 'holdfast' ? none : all);
  // The durable engine's scheduler only accepts tasks.
  expect(processes.scheduler?.may).toEqual(taskEngine === 'holdfast' ? none : all);
});
