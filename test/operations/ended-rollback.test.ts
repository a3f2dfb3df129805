import { join } from 'node:path';
import { ListTaskDefinitionsCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { emulatedAwsMissing } from '../../app/test/servers/emulated-aws';
import { checkServices } from '../../lib/operations/doctor/running';
import { holdfast, json, ROOT, tooLong } from './support/holdfast';
import type { Ended } from './support/holdfast';
import { contextOn, startRecordsInBetween } from './support/records-in-between';
import type { RecordsInBetween } from './support/records-in-between';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const region = 'us-east-1';
const FAMILY = 'shop-test-web';

/** CloudFormation sends the template's definition again, as it does where a deploy fails. */
(emulatedAwsMissing === undefined ? describe : describe.skip)('a rollback that a deploy has ended', () => {
  let records: RecordsInBetween;

  const onStage = (...words: readonly string[]): Promise<Ended> =>
    holdfast([...words, '--config', CONFIG, '--stage', 'test']);

  beforeAll(async () => {
    records = await startRecordsInBetween(region);
  });
  afterEach(() => {
    records.between.instead = () => undefined;
  });
  afterAll(async () => {
    await records.stop();
  });

  const sendAgain = (revision: number) =>
    records.ecs.send(
      new UpdateServiceCommand({ cluster: 'shop-test', service: 'web', taskDefinition: `${FAMILY}:${revision}` }),
    );
  const warnings = async () =>
    (await checkServices(contextOn(CONFIG, 'test'))).filter(({ check }) => check.startsWith('version'));
  const active = async () => {
    const { taskDefinitionArns = [] } = await records.ecs.send(
      new ListTaskDefinitionsCommand({ familyPrefix: FAMILY, status: 'ACTIVE' }),
    );
    return taskDefinitionArns.map((arn) => Number(arn.split(':').at(-1)));
  };
  const statusOfWeb = async () => {
    const { services } = json(await onStage('status', '--json')) as { services: ServiceStatus[] };
    return services.find(({ name }) => name === 'web')!;
  };
  interface ServiceStatus {
    readonly name: string;
    readonly rolledBackFrom: string | null;
    readonly rollbackEnded: string | null;
  }

  it('is told, until it is rolled back again', async () => {
    expect(await warnings()).toEqual([]);
    expect((await onStage('rollback', 'web', '--yes')).exitCode).toBe(0);
    expect(await warnings()).toMatchObject([
      { found: expect.stringContaining('revision 3 runs instead of 2') as string },
    ]);

    await sendAgain(2);
    expect(await warnings()).toMatchObject([
      {
        ...{ check: 'version, web', state: 'warning' },
        found: 'revision 2 runs again, which was rolled back from to 3: a deploy ended that',
        fix: expect.stringContaining('npx holdfast rollback web --to 3;') as string,
      },
    ]);
    const { output } = await onStage('status');
    expect(output).toMatch(/^web +1 of 1 +2, rollback ended +complete$/m);
    expect(output).toContain('A deploy ended a rollback');
    expect(tooLong(output)).toEqual([]);
    expect(await statusOfWeb()).toMatchObject({
      rolledBackFrom: null,
      rollbackEnded: expect.stringMatching(/shop-test-web:3$/) as string,
    });

    expect((await onStage('rollback', 'web', '--to', '3', '--yes')).exitCode).toBe(0);
    expect(await warnings()).toMatchObject([
      { found: expect.stringContaining('revision 4 runs instead of 2') as string },
    ]);
  });

  it('is not told after --undo, which deregisters every copy', async () => {
    expect(await active()).toEqual([1, 2, 3, 4]);
    expect((await onStage('rollback', '--undo', '--yes')).output).toBe('web runs revision 2 again, as deployed.\n');
    expect(await active()).toEqual([1, 2]);
    expect(await warnings()).toEqual([]);
    expect(await statusOfWeb()).toMatchObject({ rolledBackFrom: null, rollbackEnded: null });
  });

  it('is forgotten by --undo, where what runs again is right', async () => {
    expect((await onStage('rollback', 'web', '--yes')).exitCode).toBe(0);
    await sendAgain(2);
    expect(await warnings()).toHaveLength(1);
    const asked = await onStage('rollback', '--undo');
    expect(asked.errors).toContain('Keep web 2 and forget that it was rolled back to 5 on stage test?');
    const undone = json(await onStage('rollback', '--undo', '--yes', '--json'));
    expect(undone).toEqual({ stage: 'test', undone: [{ process: 'web', from: '5', to: '2' }] });
    expect(await warnings()).toEqual([]);
    expect((await onStage('rollback', '--undo', '--yes')).exitCode).toBe(4);
  });

  it('is none where the rollback itself was refused or failed', async () => {
    records.between.instead = (operation) =>
      operation === 'UpdateService'
        ? { status: 400, body: { __type: 'InvalidParameterException', message: 'No.' } }
        : undefined;
    expect((await onStage('rollback', 'web', '--yes')).exitCode).toBe(5);
    records.between.instead = () => undefined;
    expect(await active()).toEqual([1, 2]);

    let updates = 0;
    records.between.instead = (operation) => {
      if (operation === 'UpdateService' && (updates += 1) > 0) {
        return { body: { service: { deployments: [{ id: 'new', status: 'PRIMARY' }] } } };
      }
      const deployments = [
        { id: 'new', status: 'ACTIVE', rolloutState: 'FAILED', rolloutStateReason: 'Tasks failed to start.' },
      ];
      return operation === 'DescribeServices' && updates > 0
        ? { body: { services: [{ serviceName: 'web', status: 'ACTIVE', deployments }] } }
        : undefined;
    };
    const failed = await onStage('rollback', 'web', '--yes');
    expect(failed.errors).toMatch(
      /^The deployment of web failed \(Tasks failed to start\): see npx holdfast logs web\.$/m,
    );
    records.between.instead = () => undefined;
    expect(await active()).toEqual([1, 2]);
    expect(await warnings()).toEqual([]);
  });
});
