import { PassThrough } from 'node:stream';
import { ECSClient } from '@aws-sdk/client-ecs';
import { startEmulatedAws } from '../../../app/test/servers/emulated-aws';
import { OperationsContext } from '../../../lib/operations/context';
import { Terminal } from '../../../lib/operations/output/terminal';
import { startAwsInBetween } from './aws-in-between';
import type { AwsInBetween } from './aws-in-between';
import { ROOT } from './holdfast';
import { makeStage } from './stage-records';

/** What a command would work with whose project's configuration is in `file`. */
export function contextOn(file: string, stage: string): OperationsContext {
  const { signal } = new AbortController();
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const terminal = new Terminal({ input, output, errors, signal, json: true, yes: true, color: false });
  return new OperationsContext({ stage, file, root: ROOT, environment: process.env, terminal, signal });
}

export interface RecordsInBetween {
  /** What stands between `npx holdfast` and the records. */
  readonly between: AwsInBetween;
  /** Leads to the records themselves. */
  readonly ecs: ECSClient;
  stop(): Promise<void>;
}

/** The stage `shop test` as records of an emulated AWS, which this process's environment reaches through `between`. */
export async function startRecordsInBetween(region: string): Promise<RecordsInBetween> {
  const aws = await startEmulatedAws({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
  Object.assign(process.env, aws.environment, { AWS_EC2_METADATA_DISABLED: 'true' });
  await makeStage(region);
  const endpoint = aws.environment['AWS_ENDPOINT_URL']!;
  const between = await startAwsInBetween(endpoint);
  process.env['AWS_ENDPOINT_URL'] = between.endpoint;
  return {
    between,
    ecs: new ECSClient({ region, endpoint }),
    stop: async () => {
      await between.stop();
      await aws.stop();
    },
  };
}
