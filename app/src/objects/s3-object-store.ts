import { addAbortSignal, Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { checkKey, limit, ObjectMissingError } from './object-store';
import type { GetOptions, ListedObject, ObjectStore, StoredObject } from './object-store';
import { remembering } from './remembering';

/** Parts that one upload sends at the same time; with 5 MiB a part (the least that S3 takes) 10 MiB of memory. */
const PARTS_AT_ONCE = 2;
const CONNECT_MS = 5_000;
/** A connection on which nothing moves for so long is given up. */
const SILENCE_MS = 30_000;

export interface S3Location {
  readonly bucket: string;
  /** Before every key; empty, or ending with a slash. */
  readonly prefix: string;
}

/**
 * Objects in an S3 bucket. Longer ones travel in parts, and appear only when the last has arrived: S3 itself makes `put`
 * atomic. Parts of a process that died while storing stay until the bucket's lifecycle rule
 * (AbortIncompleteMultipartUpload) deletes them.
 *
 * The role needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the objects, and s3:ListBucket
 * on the bucket, which `list` needs; without it S3 also answers 403 instead of 404 for an object that is missing
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
 */
export class S3ObjectStore implements ObjectStore {
  constructor(
    private readonly client: S3Client,
    private readonly location: S3Location,
  ) {}

  async put(
    key: string,
    source: AsyncIterable<Uint8Array>,
    options: { readonly maxBytes: number },
  ): Promise<StoredObject> {
    checkKey(key);
    const failure: { error?: unknown } = {};
    const body = Readable.from(remembering(limit(key, source, options.maxBytes), failure), { objectMode: false });
    const upload = new Upload({
      client: this.client,
      params: { ...this.address(key), Body: body },
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: false,
    });
    try {
      await upload.done();
    } catch (error) {
      // When the stream failed, that is the reason, even if taking the parts back has failed as well.
      throw 'error' in failure ? failure.error : error;
    } finally {
      body.destroy();
    }
    const stored = await this.stat(key);
    if (stored === undefined) throw new ObjectMissingError(key);
    return stored;
  }

  async get(key: string, { signal }: GetOptions = {}): Promise<Readable> {
    checkKey(key);
    try {
      const options = signal === undefined ? {} : { abortSignal: signal };
      const { Body } = await this.client.send(new GetObjectCommand(this.address(key)), options);
      if (!(Body instanceof Readable)) throw new Error(`S3 answered without a body for object ${key}`);
      return signal === undefined ? Body : addAbortSignal(signal, Body);
    } catch (error) {
      signal?.throwIfAborted();
      throw isMissing(error) ? new ObjectMissingError(key) : error;
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.client.send(new DeleteObjectCommand(this.address(key)));
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    try {
      const head = await this.client.send(new HeadObjectCommand(this.address(key)));
      if (head.ContentLength === undefined || head.LastModified === undefined) {
        throw new Error(`S3 answered without size and time for object ${key}`);
      }
      return { bytes: head.ContentLength, modifiedAt: head.LastModified };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async *list(prefix: `${string}/`): AsyncGenerator<ListedObject> {
    const { bucket, prefix: place } = this.location;
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: bucket, Prefix: `${place}${prefix}` });
    for await (const { Contents } of pages) {
      for (const { Key, Size, LastModified } of Contents ?? []) {
        if (Key === undefined || Size === undefined || LastModified === undefined) continue;
        yield { key: Key.slice(place.length), bytes: Size, modifiedAt: LastModified };
      }
    }
  }

  private address(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.location.bucket, Key: `${this.location.prefix}${key}` };
  }
}

/**
 * A client with the SDK's own chain of credentials, and the region and endpoint of its environment (AWS_REGION,
 * AWS_ENDPOINT_URL).
 */
export function createS3Client(): S3Client {
  return new S3Client({ requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS } });
}

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && ['NoSuchKey', 'NotFound'].includes(error.name);
}
