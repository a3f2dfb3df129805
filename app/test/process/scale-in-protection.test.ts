import { DescribeServicesCommand } from '@aws-sdk/client-ecs';
import type { Service } from '@aws-sdk/client-ecs';
import { pino } from 'pino';
import { z } from 'zod';
import { EcsAgentClient } from '../../src/process/ecs-agent.client';
import type { DescribesServices } from '../../src/process/ecs-service.client';
import { ScaleInProtection } from '../../src/process/scale-in-protection';
import type { ScaleInProtectionOptions } from '../../src/process/scale-in-protection';
import { createTasks, defineTask, handle } from '../../src/tasks';
import type { Tasks, Worker } from '../../src/tasks';
import { eventually } from '../http/test-app';
import { createLedgerDatabase } from '../servers/databases';
import type { TestDatabase } from '../servers/databases';
import { startFakeAgent } from './ecs-agent';
import type { FakeAgent } from './ecs-agent';

const work = defineTask({ name: 'work', payload: z.object({}), attempts: 1 });

/** The service as Amazon ECS describes it: at the SDK's boundary, the only thing here that is not real. */
interface FakeEcs extends DescribesServices {
  service: Service;
  /** Thrown instead of an answer. */
  error: Error | undefined;
  looks: number;
}

const deployment = (status: string, revision: number, runningCount: number, desiredCount: number) => ({
  status,
  taskDefinition: `arn:aws:ecs:us-east-1:111122223333:task-definition/worker:${revision}`,
  runningCount,
  desiredCount,
});
/** The service with this version only, of which it runs `running` and wants `desired`. */
const alone = (running: number, desired: number): Service => ({
  runningCount: running,
  desiredCount: desired,
  deployments: [deployment('PRIMARY', 7, running, desired)],
});
const steady = alone(2, 2);
const rolling = (running: number): Service => ({
  runningCount: 2 + running,
  desiredCount: 2,
  deployments: [deployment('PRIMARY', 8, running, 2), deployment('ACTIVE', 7, 2, 2)],
});

function fakeEcs(): FakeEcs {
  const ecs = {
    service: steady,
    error: undefined as Error | undefined,
    looks: 0,
    send: (command: unknown) => {
      expect(command).toBeInstanceOf(DescribeServicesCommand);
      expect((command as DescribeServicesCommand).input).toEqual({ cluster: 'holdfast', services: ['workers'] });
      ecs.looks += 1;
      return ecs.error === undefined ? Promise.resolve({ services: [ecs.service] }) : Promise.reject(ecs.error);
    },
  };
  return ecs as FakeEcs;
}

let database: TestDatabase;
let tasks: Tasks;
let worker: Worker;
let agent: FakeAgent;
let ecs: FakeEcs;
let protection: ScaleInProtection | undefined;
let lines: Record<string, unknown>[];
/** Lets one running task after another end. */
let releases: (() => void)[];

beforeEach(async () => {
  database = await createLedgerDatabase();
  lines = [];
  const logger = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
  tasks = createTasks({ postgres: { connectionString: database.url }, logger });
  releases = [];
  const handler = handle(work, () => new Promise<void>((resolve) => releases.push(resolve)));
  worker = await tasks.startWorker({ handlers: [handler], queues: [{ name: 'default' }], concurrency: 3 });
  agent = await startFakeAgent();
  ecs = fakeEcs();
});
afterEach(async () => {
  for (const release of releases) release();
  await protection?.stop();
  protection = undefined;
  await worker.stop({ deadlineSeconds: 0 });
  await tasks.close();
  await agent.close();
  await database.drop();
});

function protect(options: Partial<ScaleInProtectionOptions> = {}): void {
  protection = new ScaleInProtection({
    worker,
    agent: new EcsAgentClient(agent.agentUri, agent.metadataUri),
    ecs,
    logger: pino({}, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) }),
    ...{ idleSeconds: 0.05, heldSeconds: 0, lookSeconds: 0.05, everySeconds: 0.01 },
    ...options,
  });
}

const saying = (text: string) => lines.filter(({ msg }) => String(msg).includes(text));
const yes = (holds: boolean): true | undefined => (holds ? true : undefined);

async function runTask(): Promise<void> {
  const before = releases.length;
  await tasks.accept(work, {});
  await eventually(() => yes(releases.length > before), 'the task runs');
}
const endTask = (): void => releases.shift()?.();
/** Looks at the service that began and ended after this call. */
async function looks(count: number): Promise<void> {
  const before = ecs.looks;
  await eventually(() => yes(ecs.looks > before + count), `${count} more looks`);
}

describe('a busy worker', () => {
  test('is protected from the beginning of its first task until it is idle', async () => {
    protect();
    expect(agent.calls).toEqual([]);
    await runTask();
    await runTask();
    await eventually(() => yes(agent.isProtected), 'it is protected');
    endTask();
    await eventually(() => yes(worker.running === 1), 'one task is left');
    await looks(2);
    expect(agent.isProtected).toBe(true);
    endTask();
    await eventually(() => yes(!agent.isProtected), 'it is not protected any more');
    expect(agent.calls).toEqual([{ ProtectionEnabled: true, ExpiresInMinutes: 15 }, { ProtectionEnabled: false }]);
    expect(saying('scale-in')).toEqual([]);
  });

  test('renews its protection long before it expires', async () => {
    protect({ renewSeconds: 0.05 });
    await runTask();
    await eventually(() => yes(agent.granted >= 4), 'it is renewed again and again');
    expect(new Set(agent.calls.map((call) => JSON.stringify(call)))).toEqual(
      new Set(['{"ProtectionEnabled":true,"ExpiresInMinutes":15}']),
    );
    // A renewal that failed is tried again.
    agent.mood = 'failing';
    await eventually(() => yes(saying('could not be set').length === 1), 'a renewal fails');
    const { granted } = agent;
    agent.mood = 'willing';
    await eventually(() => yes(agent.granted > granted), 'it is renewed');
  });

  test('keeps its protection over short pauses, so that few calls are made', async () => {
    protect({ idleSeconds: 0.01, heldSeconds: 1 });
    const began = performance.now();
    for (let i = 0; i < 12; i += 1) {
      await runTask();
      endTask();
      await eventually(() => yes(worker.running === 0), 'it is idle');
    }
    await eventually(() => yes(agent.granted > 0 && !agent.isProtected), 'the protection ends');
    const seconds = (performance.now() - began) / 1000;
    expect(agent.calls.length).toBeLessThanOrEqual(2 * Math.ceil(seconds));
  });

  test('is still protected after a failed call that may have come through, and ends that when it is idle', async () => {
    protect();
    agent.mood = 'failing';
    await runTask();
    await eventually(() => yes(saying('could not be set').length === 1), 'the failure is reported');
    endTask();
    await eventually(() => yes(worker.running === 0), 'it is idle');
    agent.mood = 'willing';
    await eventually(() => yes(saying('works again').length === 1), 'it tells the agent that it is idle');
    expect(agent.calls.at(-1)).toEqual({ ProtectionEnabled: false });
  });
});

describe('an agent that does not do what it is asked', () => {
  test.each([
    ['unwilling', 'TASK_NOT_VALID'],
    ['failing', 'ServerException: something broke'],
    ['throttled', 'ThrottlingException: Rate exceeded'],
  ] as const)('%s, stops no work, is asked less and less, and is reported once', async (mood, reason) => {
    protect();
    agent.mood = mood;
    await runTask();
    await eventually(() => yes(agent.calls.length >= 2), 'it is asked again');
    const asked = agent.calls.length;
    for (let i = 0; i < 5; i += 1) {
      await runTask();
      endTask();
    }
    expect(agent.calls.length).toBeLessThanOrEqual(asked + 1);
    const reports = saying('could not be set');
    expect(reports).toHaveLength(1);
    expect(JSON.stringify(reports)).toContain(`the Amazon ECS agent says ${reason}`);
    agent.mood = 'willing';
    await eventually(() => yes(saying('works again').length === 1), 'it says so when the agent answers again');
    expect(agent.isProtected).toBe(true);
  });

  test('slow, is given up, and stops no work meanwhile', async () => {
    agent.mood = 'slow';
    protect();
    await runTask();
    await eventually(() => yes(agent.calls.length === 1), 'it is asked');
    await runTask();
    endTask();
    endTask();
    await eventually(async () => yes((await tasks.list({ state: 'done' })).items.length === 2), 'the work is done');
    await eventually(() => yes(saying('could not be set').length === 1), 'the call is given up');
    expect(JSON.stringify(saying('could not be set'))).toMatch(/timeout|aborted/i);
  });

  test('gone, stops no work', async () => {
    const { agentUri } = agent;
    await agent.close();
    protect({ agent: new EcsAgentClient(agentUri, undefined) });
    await runTask();
    endTask();
    await eventually(async () => yes((await tasks.list({ state: 'done' })).items.length === 1), 'the work is done');
    agent = await startFakeAgent();
  });
});

describe('a worker whose version is superseded', () => {
  test('takes no more tasks, finishes what it has, gives up its protection and waits', async () => {
    protect();
    await runTask();
    await eventually(() => yes(agent.isProtected), 'it is protected');
    ecs.service = rolling(1);
    await looks(2);
    await runTask();
    expect(agent.isProtected).toBe(true);
    ecs.service = rolling(2);
    await eventually(() => yes(saying('takes no more tasks').length === 1), 'it knows');
    await eventually(async () => yes((await tasks.status()).workers[0]?.draining === true), 'it counts no more');
    const { id } = await tasks.accept(work, {});
    endTask();
    await eventually(() => yes(worker.running === 1), 'one task is left');
    await looks(2);
    expect(agent.isProtected).toBe(true);
    endTask();
    await eventually(() => yes(!agent.isProtected), 'it gives up its protection');
    await looks(2);
    expect((await tasks.get(id))?.state).toBe('queued');
    expect(agent.calls.filter((call) => (call as { ProtectionEnabled: boolean }).ProtectionEnabled)).toHaveLength(1);
  });

  test('takes tasks again when the service is rolled back', async () => {
    protect();
    await runTask();
    ecs.service = rolling(2);
    await eventually(() => yes(saying('takes no more tasks').length === 1), 'it knows');
    await tasks.accept(work, {});
    endTask();
    await eventually(() => yes(worker.running === 0 && agent.granted > 0 && !agent.isProtected), 'it is idle');
    ecs.service = steady;
    await eventually(() => yes(worker.running === 1), 'it takes the task');
    await eventually(() => yes(agent.isProtected), 'and is protected');
    expect(saying('takes tasks again')).toHaveLength(1);
  });

  test('gives up its protection at its limit although a task still runs', async () => {
    protect({ supersededSeconds: 0.3 });
    await runTask();
    await eventually(() => yes(agent.isProtected), 'it is protected');
    ecs.service = rolling(2);
    await eventually(() => yes(!agent.isProtected), 'it gives up its protection');
    expect(worker.running).toBe(1);
    await looks(2);
    expect(agent.granted).toBe(1);
  });

  test('learns nothing, and works on, while Amazon ECS does not answer; that is reported once', async () => {
    ecs.error = new Error('Rate exceeded');
    protect();
    await runTask();
    await looks(3);
    expect(agent.isProtected).toBe(true);
    expect(saying('could not be looked at')).toHaveLength(1);
    ecs.error = undefined;
    ecs.service = rolling(2);
    await eventually(() => yes(saying('takes no more tasks').length === 1), 'it knows');
  });
});

describe('a worker of the current version', () => {
  test('gives up its protection, but not its work, while the service runs more tasks than it wants', async () => {
    protect();
    await runTask();
    await eventually(() => yes(agent.isProtected), 'it is protected');
    ecs.service = alone(2, 1);
    await eventually(() => yes(!agent.isProtected), 'it gives up its protection');
    await runTask();
    expect(worker.running).toBe(2);
    ecs.service = alone(1, 1);
    await eventually(() => yes(agent.isProtected), 'it is protected again');
  });

  test('keeps its protection while a rollout still drains tasks of the version before', async () => {
    protect();
    await runTask();
    await eventually(() => yes(agent.isProtected), 'it is protected');
    ecs.service = {
      runningCount: 4,
      desiredCount: 2,
      deployments: [deployment('PRIMARY', 7, 2, 2), deployment('ACTIVE', 6, 2, 2)],
    };
    await looks(2);
    expect(agent.isProtected).toBe(true);
    expect(agent.calls).toHaveLength(1);
  });

  test('looks at its service only while it is busy or protected', async () => {
    protect({ lookSeconds: 0.01 });
    await runTask();
    await looks(2);
    endTask();
    await eventually(() => yes(agent.granted > 0 && !agent.isProtected), 'it is idle and not protected');
    const before = ecs.looks;
    await runTask();
    // One look may have begun before the protection ended.
    expect(ecs.looks).toBeLessThanOrEqual(before + 2);
  });

  test.each([
    ['belongs to no service', () => void (agent.serviceName = undefined)],
    ['is unknown to Amazon ECS', () => void (ecs.service = {})],
  ])('is protected also when its task %s', async (_, arrange) => {
    arrange();
    protect();
    await runTask();
    await eventually(() => yes(agent.isProtected), 'it is protected');
    expect(saying('could not')).toEqual([]);
  });
});

test('after stop no call is made, and the worker drains as without protection', async () => {
  protect();
  await runTask();
  await eventually(() => yes(agent.isProtected), 'it is protected');
  await protection!.stop();
  const calls = agent.calls.length;
  const stopped = worker.stop({ deadlineSeconds: 20 });
  endTask();
  await stopped;
  expect((await tasks.list({ state: 'done' })).items).toHaveLength(1);
  expect(agent.calls).toHaveLength(calls);
});

test('stop gives up a call that is under way', async () => {
  agent.mood = 'slow';
  protect();
  await runTask();
  await eventually(() => yes(agent.calls.length === 1), 'it asks');
  const began = performance.now();
  await protection!.stop();
  expect(performance.now() - began).toBeLessThan(2000);
  expect(saying('could not')).toEqual([]);
});
