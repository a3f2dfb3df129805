import { randomUUID } from 'node:crypto';
import type { Response } from 'light-my-request';
import sharp from 'sharp';
import { ADMIN, eventually } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { storedFiles } from '../imports/upload.client';

/** A real photograph's stand-in: a gradient that compresses like one. */
export function drawn(width: number, height: number, colour = '#a33'): sharp.Sharp {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="g"><stop stop-color="${colour}"/><stop offset="1"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/></svg>`;
  return sharp(Buffer.from(svg));
}

export interface SentFile {
  readonly content: Buffer;
  /** @default poster.jpg */
  readonly filename?: string;
  /** @default image/jpeg */
  readonly type?: string;
  /** @default poster */
  readonly field?: string;
}

/** A form with these files, with the headers that carry it. */
export function formOf(...files: readonly SentFile[]): { headers: Record<string, string>; payload: Buffer } {
  const boundary = `boundary-${randomUUID()}`;
  const parts = files.flatMap(({ content, filename = 'poster.jpg', type = 'image/jpeg', field = 'poster' }) => [
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="${field}"; filename="${filename}"\r\ncontent-type: ${type}\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ]);
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    payload: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

export function send(app: TestApp, screeningId: string, ...files: readonly SentFile[]): Promise<Response> {
  const { headers, payload } = formOf(...files);
  return app.request({
    method: 'PUT',
    url: `/api/screenings/${screeningId}/poster`,
    headers: { ...ADMIN, ...headers },
    payload,
  });
}

/** @returns the id of the accepted task. */
export async function accepted(app: TestApp, screeningId: string, file: SentFile): Promise<string> {
  const response = await send(app, screeningId, file);
  expect(response.statusCode).toBe(202);
  return response.json<{ taskId: string }>().taskId;
}

export async function screening(app: TestApp): Promise<string> {
  const response = await app.request({
    method: 'POST',
    url: '/api/screenings',
    headers: ADMIN,
    payload: { title: 'Metropolis', room: 'Hall', startsAt: '2099-07-14T20:30:00+02:00' },
  });
  expect(response.statusCode).toBe(201);
  return response.json<{ id: string }>().id;
}

export interface ShownPicture {
  readonly width: number;
  readonly height: number;
  readonly url: string;
}

export async function pictures(app: TestApp, screeningId: string): Promise<readonly ShownPicture[]> {
  const response = await app.request({ method: 'GET', url: `/api/screenings/${screeningId}` });
  return response.json<{ poster: ShownPicture[] }>().poster;
}

export function untilStored(app: TestApp, count: number): Promise<true> {
  return eventually(
    async () => ((await storedFiles(app)).length === count ? true : undefined),
    `${count} objects are stored`,
  );
}
