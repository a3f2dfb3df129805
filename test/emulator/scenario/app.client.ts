import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** The deployed app, through the load balancer, as a careful caller uses it. */
export class AppClient {
  constructor(
    readonly url: string,
    private readonly adminToken: string,
  ) {}

  /** @throws when the answer is no 2xx. */
  async get(path: string): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${this.adminToken}` } });
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
    for (let tries = 1; ; tries += 1) {
      const answer = await this.post('/api/probes', { count, runMs }, 'application/json', key).catch(() => undefined);
      if (answer?.status === 202) return;
      if ((answer !== undefined && answer.status < 500) || tries === 20) {
        throw new Error(`probes: ${answer === undefined ? 'no answer' : `${answer.status} ${await answer.text()}`}`);
      }
      await pause(200);
    }
  }
}
