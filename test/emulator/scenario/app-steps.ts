import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { PATHS } from '../../../app/src/contract';
import type { Steps } from '../steps';
import type { AppClient } from './app.client';
import type { Stage } from './stage';
import { tell } from './tell';

const FILMS = join(dirname(require.resolve('vega-datasets')), '..', 'data', 'movies.json');
const PLAIN = { channels: 3, background: '#a33' } as const;

/** Of a poster, as the app tells of it. */
interface Picture {
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

/** What a user does with the app while all is well. */
export class AppSteps {
  constructor(
    private readonly app: AppClient,
    private readonly stage: Stage,
  ) {}

  async run(steps: Steps): Promise<void> {
    await steps.run('healthy and ready', () => this.healthy());
    await steps.run('a film list goes through S3 to a worker, which imports it', () => this.import());
    await steps.run('a poster goes through S3 to a worker, and its pictures are shown', () => this.showPoster());
    await steps.run('a code sent by SES proves an address', () => this.proveAddress());
  }

  private async healthy(): Promise<void> {
    assert.deepEqual(await this.app.get(PATHS.health), { status: 'up' });
    assert.deepEqual(await this.app.get(PATHS.ready), { postgres: 'up', redis: 'up' });
  }

  private async import(): Promise<void> {
    const answer = await this.app.post('/api/imports', readFileSync(FILMS, 'utf8'));
    assert.equal(answer.status, 202);
    const { taskId } = (await answer.json()) as { readonly taskId: string };
    type Import = { readonly state: string; readonly imported: number };
    const done = await waitUntil(
      'the import is done',
      async () => {
        const found = (await this.app.get(`/api/imports/${taskId}`)) as Import;
        return found.state === 'done' && found;
      },
      { limitSeconds: 60, everyMilliseconds: 200 },
    );
    assert.ok(done.imported > 3_000, `${done.imported} films were imported`);
    const films = (await this.app.get('/api/films')) as { readonly total: number };
    assert.equal(films.total, done.imported);
  }

  private async showPoster(): Promise<void> {
    const id = await this.app.createScreening({ title: 'Metropolis', room: 'Hall', startsAt: '2099-07-14T20:30:00Z' });
    await this.app.uploadPoster(
      id,
      await sharp({ create: { width: 900, height: 1_200, ...PLAIN } })
        .jpeg()
        .toBuffer(),
    );
    const pictures = await waitUntil(
      'the poster is shown',
      async () => {
        const { poster } = (await this.app.get(`/api/screenings/${id}`)) as { readonly poster: readonly Picture[] };
        return poster.length > 0 && poster;
      },
      { limitSeconds: 60, everyMilliseconds: 200 },
    );
    for (const { url, width, height } of pictures) {
      const shown = await this.app.bytes(url);
      const { format, ...size } = await sharp(shown).metadata();
      assert.deepEqual([format, size.width, size.height], ['webp', width, height]);
      const poster = new URLSearchParams(url.split('?')[1]).get('v') ?? '';
      assert.deepEqual(await this.stage.object(`uploads/posters/${poster}/${width}.webp`), shown);
    }
    tell(`pictures of ${pictures.map(({ width, height }) => `${width} x ${height}`).join(', ')}, as they lie in S3`);
  }

  private async proveAddress(): Promise<void> {
    const answer = await this.app.post('/api/contacts', { channel: 'email', address: 'reader@example.org' });
    assert.equal(answer.status, 202);
    const { id } = (await answer.json()) as { readonly id: string };
    const mail = await waitUntil(
      'the mail is sent',
      async () => {
        const mails = await this.stage.mails();
        return mails.includes('reader@example.org') && mails;
      },
      { limitSeconds: 30, everyMilliseconds: 200 },
    );
    const codes = [...new Set(mail.match(/(?<![\d#-])\d{6}(?![\d-])/g) ?? [])];
    const verified = await Promise.all(codes.slice(0, 5).map((code) => this.verify(id, code)));
    assert.ok(verified.includes(200), `none of the numbers ${codes.join(', ')} proves the address`);
  }

  private async verify(id: string, code: string): Promise<number> {
    return (await this.app.post(`/api/contacts/${id}/verify`, { code })).status;
  }
}
