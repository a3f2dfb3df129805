import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const TRIES = 20;

/** The deployed app, through the load balancer, as a careful caller uses it. */
export class AppClient {
  constructor(
    readonly url: string,
    /** Another one when it is rotated. */
    public adminToken: string,
  ) {}

  /** @throws when the answer is no 2xx. */
  async get(path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.adminToken}` };
    const response = await patiently(() => fetch(`${this.url}${path}`, { headers }));
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return await response.json();
  }

  async post(path: string, body: unknown, type = 'application/json', key: string = randomUUID()): Promise<Response> {
    return await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': type, authorization: `Bearer ${this.adminToken}`, 'idempotency-key': key },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** Accepts one probe. @returns its id. */
  async probe(probe: object): Promise<string> {
    const key = randomUUID();
    const answer = await patiently(() => this.post('/api/probes', { count: 1, ...probe }, 'application/json', key));
    if (answer.status !== 202) throw new Error(`a probe: ${answer.status} ${await answer.text()}`);
    const { taskIds } = (await answer.json()) as { readonly taskIds: readonly string[] };
    return taskIds[0] ?? '';
  }

  /** @returns its id. */
  async createScreening(screening: unknown): Promise<string> {
    const answer = await this.post('/api/screenings', screening);
    if (answer.status !== 201) throw new Error(`a screening: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { readonly id: string }).id;
  }

  /** @param image a JPEG */
  async uploadPoster(screening: string, image: Buffer): Promise<void> {
    const form = new FormData();
    form.set('poster', new Blob([new Uint8Array(image)], { type: 'image/jpeg' }), 'poster.jpg');
    const headers = { authorization: `Bearer ${this.adminToken}`, 'idempotency-key': randomUUID() };
    const address = `${this.url}/api/screenings/${screening}/poster`;
    const answer = await fetch(address, { method: 'PUT', headers, body: form });
    if (answer.status !== 202) throw new Error(`a poster: ${answer.status} ${await answer.text()}`);
  }

  /** What everybody gets. @throws when the answer is no 2xx. */
  async bytes(path: string): Promise<Buffer> {
    const response = await fetch(`${this.url}${path}`);
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return Buffer.from(await response.arrayBuffer());
  }

  /** Accepts probes; asked again under the same key while no answer comes. @param runMs how long each takes */
  async acceptProbes(count: number, runMs: number): Promise<void> {
    const key = randomUUID();
    const answer = await patiently(() => this.post('/api/probes', { count, runMs }, 'application/json', key));
    if (answer.status !== 202) throw new Error(`probes: ${answer.status} ${await answer.text()}`);
  }
}

/** Asks again while no answer comes, or one that says that it cannot at the moment. */
async function patiently(ask: () => Promise<Response>): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask().catch((error: unknown) => {
      if (tries === TRIES) throw error;
      return undefined;
    });
    if (answer !== undefined && (answer.status < 500 || tries === TRIES)) return answer;
    await pause(200);
  }
}
