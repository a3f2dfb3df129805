import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventually } from '../http/test-app';
import { killEntryPoints, line, runEntryPoint } from '../process/entry-point';
import { createDatabase, redisUrl } from '../servers/databases';
import type { TestDatabase } from '../servers/databases';
import { testFolder } from '../servers/private-servers';
import { startOtlpReceiver } from './otlp-receiver';
import type { OtlpReceiver } from './otlp-receiver';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const TOKEN = 'a-token-for-tests-0123';

describe('web and worker with OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  let database: TestDatabase;
  let receiver: OtlpReceiver;

  beforeAll(async () => {
    [database, receiver] = await Promise.all([createDatabase(), startOtlpReceiver()]);
  });
  afterEach(killEntryPoints);
  afterAll(async () => {
    await receiver.close();
    await database.drop();
  });

  test('write one trace from the request to each attempt at its task', async () => {
    const environment = {
      DATABASE_URL: database.url,
      QUEUE_REDIS_URL: redisUrl(2),
      OBJECTS_URL: pathToFileURL(join(testFolder('objects'), 'store')).href,
      ADMIN_TOKEN: TOKEN,
      PROBES: 'on',
      LISTEN_HOST: '127.0.0.1',
      PORT: '0',
      METRICS_PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    };
    expect(await runEntryPoint('migrate', environment).exit).toBe(0);
    const web = runEntryPoint('web', environment);
    const worker = runEntryPoint('worker', environment);
    const url = String((await line(web, /^web listening at /)).msg).replace('web listening at ', '');
    const ask = async (headers: Record<string, string>, failTimes: number): Promise<string> => {
      const answer = await fetch(`${url}/api/probes`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ count: 1, failTimes }),
      });
      expect(answer.status).toBe(202);
      return ((await answer.json()) as { taskIds: string[] }).taskIds[0]!;
    };
    const ids = [await ask({}, 0), await ask({ traceparent: PARENT }, 1)] as const;
    const stateOf = async (id: string) =>
      ((await (await fetch(`${url}/api/tasks/${id}`)).json()) as { readonly state: string }).state;
    await eventually(async () => {
      const states = await Promise.all(ids.map(stateOf));
      return states.every((state) => state === 'done') ? true : undefined;
    }, 'both probes are done');
    for (const { child, exit } of [web, worker]) {
      child.kill('SIGTERM');
      expect(await exit).toBe(0);
    }

    const requests = receiver.spans.filter(({ name }) => name === 'POST /api/probes');
    expect(requests.map(({ service, kind, attributes }) => ({ service, kind, attributes }))).toEqual(
      [1, 2].map(() => ({
        service: 'holdfast-web',
        kind: 2,
        attributes: { 'http.request.method': 'POST', 'http.route': '/api/probes', 'http.response.status_code': 202 },
      })),
    );
    const [first, second] = requests;
    expect(first?.parentSpanId).toBeUndefined();
    expect(second).toMatchObject({ traceId: PARENT.split('-')[1], parentSpanId: PARENT.split('-')[2] });
    const attempts = receiver.spans
      .filter(({ name }) => name === 'task probes.run')
      .map(({ traceId, parentSpanId, service, kind, attributes }) => ({
        ...{ service, kind, traceId, parentSpanId },
        id: attributes['holdfast.task.id'],
        attempt: attributes['holdfast.task.attempt'],
        outcome: attributes['holdfast.task.outcome'],
        queue: attributes['holdfast.task.queue'],
      }));
    const attemptOf = (number: number, attempt: number, outcome: string) => ({
      ...{ service: 'holdfast-worker', kind: 5, traceId: requests[number]?.traceId, queue: 'probes' },
      ...{ parentSpanId: requests[number]?.spanId, id: ids[number], attempt, outcome },
    });
    expect(attempts).toHaveLength(3);
    expect(attempts).toEqual(
      expect.arrayContaining([attemptOf(0, 1, 'done'), attemptOf(1, 1, 'retried'), attemptOf(1, 2, 'done')]),
    );
  });
});
