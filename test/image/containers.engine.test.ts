import { findCompose } from '../../app/local/docker/find-compose';
import { waitUntil } from '../../app/local/servers/wait-until';
import { Containers, SERVERS, SERVICES } from './containers';
import { docker, inspect, listOwn } from './docker';

/** Shorter than the long probes below, so that the stop has to give them back. */
const DRAIN_SECONDS = 4;
/** drain + 5 s to close + 5 s, of each of the three layers that Compose stops one after the other. */
const STOP_SECONDS = 40;
const PROBES = 400;
const LONG_PROBES = 8;
const LONG_MS = 15_000;

const ongoing = new AbortController();
let containers: Containers;
let effects = 0;

beforeAll(async () => {
  const compose = await findCompose(process.env);
  console.log(`Started by ${compose.join(' ')}.`);
  containers = await Containers.create(compose, DRAIN_SECONDS);
  await containers.run.start(ongoing.signal);
}, 180_000);
afterAll(async () => {
  await containers.remove();
  expect(await listOwn()).toEqual([]);
}, 60_000);

/** Every probe so far has left its one row. */
const untilEffects = (limitSeconds: number) =>
  waitUntil(`${effects} probes are done`, async () => (await containers.effects()).tasks === effects, { limitSeconds });

describe('npm run start:docker', () => {
  test('shows the film list and pages through nginx, and says where within 80 columns', async () => {
    const films = await waitUntil('films are shown', () => containers.getJson('/api/films'), { limitSeconds: 30 });
    expect((films as { total: number }).total).toBeGreaterThan(3000);
    const page = await fetch(containers.baseUrl, { headers: { accept: 'text/html' } });
    expect(await page.text()).toContain('Metropolis');
    const summary = containers.said.find((text) => text.includes('Holdfast is ready.')) ?? '';
    expect(summary).toContain(containers.baseUrl.split(':').at(-1));
    expect(summary.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('publishes nothing but nginx, on this machine only', async () => {
    for (const service of [...SERVICES, ...SERVERS]) {
      const bindings = await inspect('container', containers.container(service), '.HostConfig.PortBindings');
      const hosts = Object.values((bindings ?? {}) as Record<string, { HostIp: string }[]>).flat();
      expect([service, ...hosts.map(({ HostIp }) => HostIp)]).toEqual(
        service === 'nginx' ? [service, '127.0.0.1'] : [service],
      );
    }
  });

  test('loses nothing and counts nothing twice when a worker, a web and the queue are killed', async () => {
    const taskIds = await containers.acceptProbes(PROBES, 200);
    effects += taskIds.length;
    await waitUntil('probes run', async () => (await containers.runningProbes()) > 5, { limitSeconds: 30 });
    await docker('kill', ...['worker-1', 'web-1', 'queue'].map((service) => containers.container(service)));
    // What is asked meanwhile is answered: nginx asks the other one.
    for (let count = 0; count < 20; count += 1) await containers.getJson('/api/films?query=up');
    effects += (await containers.acceptProbes(PROBES, 50)).length;
    await untilEffects(60);
    expect(await containers.effects()).toEqual({ rows: effects, tasks: effects });
  });

  test('brings back what was killed', async () => {
    for (const service of [...SERVICES, ...SERVERS]) {
      await waitUntil(`${service} is healthy`, () => containers.isHealthy(service), { limitSeconds: 60 });
    }
    expect(containers.said.filter((line) => line.endsWith('was ended; it is started again.'))).toHaveLength(3);
  });

  test('stops within the grace period while tasks run, and they are done after the next start', async () => {
    effects += (await containers.acceptProbes(LONG_PROBES, LONG_MS)).length;
    effects += (await containers.acceptProbes(40, 1000)).length;
    await waitUntil('long probes run', async () => (await containers.runningProbes()) > LONG_PROBES, {
      limitSeconds: 30,
    });
    const began = performance.now();
    await containers.run.stop();
    expect((performance.now() - began) / 1000).toBeLessThan(STOP_SECONDS);
    for (const service of [...SERVICES, ...SERVERS]) {
      // 137 would be a kill after the grace period.
      expect({ service, ...(await containers.state(service)) }).toMatchObject({
        service,
        Status: 'exited',
        ExitCode: 0,
      });
    }
    await containers.run.start(ongoing.signal);
    await untilEffects(60);
    expect(await containers.effects()).toEqual({ rows: effects, tasks: effects });
  }, 180_000);
});
