import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { App } from '../http/app';

const FOLDER = join(__dirname, 'assets');
const PREFIX = '/assets/';

/** A part of each address that changes with the file's content, so that browsers may keep it for ever. */
const VERSIONS = new Map(
  readdirSync(FOLDER).map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(FOLDER, name)))
      .digest('hex')
      .slice(0, 12),
  ]),
);

/** Address of a style sheet, script or picture of the pages. */
export function asset(name: string): string {
  return `${PREFIX}${name}?${VERSIONS.get(name) ?? 'missing'}`;
}

export async function serveAssets(app: App): Promise<void> {
  await app.register(fastifyStatic, {
    root: FOLDER,
    prefix: PREFIX,
    index: false,
    maxAge: '365d',
    immutable: true,
    decorateReply: false,
  });
}
