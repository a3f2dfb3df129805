import { traceOf } from '../../src/http/traces';
import { ADMIN, eventually, startTestApp } from './test-app';
import type { TestApp } from './test-app';

const ID = '0af7651916cd43dd8448eb211c80319c';
const GIVEN = `00-${ID}-00f067aa0ba902b7-01`;

describe('the trace of a request', () => {
  it.each([
    ['is the caller’s', GIVEN],
    ['is the caller’s in our version of the header', `01-${ID}-00f067aa0ba902b7-01-more`],
  ])('%s', (_, header) => {
    expect(traceOf(header)).toEqual({ traceId: ID, traceparent: GIVEN });
  });

  it.each([undefined, 'nonsense', `ff-${ID}-00f067aa0ba902b7-01`, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`])(
    'is a new one where the caller sends %s',
    (header) => {
      const { traceId, traceparent } = traceOf(header);
      expect(traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
      expect(traceOf(header).traceId).not.toBe(traceId);
    },
  );
});

describe('the app', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker();
  });
  afterAll(() => test_.close());

  it('passes the trace on to tasks; the lines of both carry its id', async () => {
    const response = await test_.request({
      method: 'POST',
      url: '/api/probes',
      headers: { ...ADMIN, traceparent: GIVEN },
      payload: { count: 1 },
    });
    const [id] = response.json<{ taskIds: string[] }>().taskIds;
    const { rows } = await test_.database.query('select trace from holdfast.task where uuid = $1', [id]);
    expect(rows).toEqual([{ trace: GIVEN }]);
    const said = (msg: string) =>
      eventually(() => test_.logLines.find((line) => line['msg'] === msg && line['traceId'] === ID), msg);
    await said('request finished');
    expect(await said('task done')).toMatchObject({ task: id });
  });
});
