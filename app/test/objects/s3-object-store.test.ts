import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { readConfiguration } from '../../src/configuration/configuration';
import { openObjectStore } from '../../src/objects/open-object-store';
import { createS3Client, S3ObjectStore } from '../../src/objects/s3-object-store';
import { emulatedAwsMissing, startEmulatedAws } from '../servers/emulated-aws';
import type { EmulatedAws } from '../servers/emulated-aws';
import { chunks, itIsAnObjectStore } from './object-store.suite';

/** In CI a skipped test is a failure. */
const describeOnAws = emulatedAwsMissing === undefined ? describe : describe.skip;

describeOnAws(`S3ObjectStore${emulatedAwsMissing === undefined ? '' : ` (${emulatedAwsMissing})`}`, () => {
  const environmentBefore = { ...process.env };
  let aws: EmulatedAws;
  let client: S3Client;
  let buckets = 0;
  beforeAll(async () => {
    aws = await startEmulatedAws();
    // The SDK reads its endpoint, region and credentials from here, as it does in a container.
    Object.assign(process.env, aws.environment);
    client = createS3Client();
  });
  afterAll(async () => {
    client.destroy();
    process.env = environmentBefore;
    await aws.stop();
  });

  async function newBucket(): Promise<string> {
    buckets += 1;
    const Bucket = `objects-${buckets}`;
    await client.send(new CreateBucketCommand({ Bucket }));
    return Bucket;
  }

  async function keys(Bucket: string): Promise<string[]> {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    return [...Contents, ...Uploads].map(({ Key }) => Key ?? '').sort();
  }

  itIsAnObjectStore(async () => {
    const bucket = await newBucket();
    return { store: new S3ObjectStore(client, { bucket, prefix: '' }), everything: () => keys(bucket) };
  });

  test('is what OBJECTS_URL names, with the prefix before every key', async () => {
    const bucket = await newBucket();
    const { objectsUrl } = readConfiguration('worker', {
      DATABASE_URL: 'postgres://db/x',
      OBJECTS_URL: `s3://${bucket}/town/library`,
    });
    const store = openObjectStore(objectsUrl);
    await store.put('imports/a', chunks('x'), { maxBytes: 1 });
    expect(await keys(bucket)).toEqual(['town/library/imports/a']);
    await store.delete('imports/a');
    expect(await keys(bucket)).toEqual([]);
  });

  test('closes the stream when S3 refuses it', async () => {
    const store = new S3ObjectStore(client, { bucket: 'no-such-bucket', prefix: '' });
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield await Promise.resolve(Buffer.alloc(1024 * 1024));
      } finally {
        closed = true;
      }
    }
    const put = store.put('a', endless(), { maxBytes: Number.MAX_SAFE_INTEGER });
    await expect(put).rejects.toMatchObject({ name: 'NoSuchBucket' });
    expect(closed).toBe(true);
  });
});
