import { execFile } from 'node:child_process';
import { instanceType } from '../../config';
import type { ImageConfiguration, StageConfiguration } from '../../config';
import type { OperationsContext } from '../context';
import { expected, failed, ok } from './finding';
import type { Finding } from './finding';

const TIMEOUT_MS = 10_000;
const NAMES: Readonly<Record<string, string>> = { aarch64: 'arm64', x86_64: 'amd64' };

/** Whether the program that `npx cdk deploy` builds images with can build for the fleet's instances. */
export async function checkBuilder(context: OperationsContext): Promise<Finding[]> {
  const configuration = await context.configuration();
  if (!imagesOf(configuration).some((image) => 'directory' in image)) {
    return [ok('image builder', 'not needed: all images are pulled from a registry')];
  }
  const wanted = instanceType(configuration.fleet.instanceType)?.architecture ?? 'arm64';
  const program = context.options.environment['CDK_DOCKER'] ?? 'docker';
  const answer = await run(program, ['version', '--format', '{{.Server.Arch}}']);
  if (answer === undefined) {
    return [
      failed(
        'image builder',
        `${program} does not answer, and the stage's images are built from a folder`,
        'Install and start Docker, or set CDK_DOCKER to another engine such as finch; or name images by image.reference.',
      ),
    ];
  }
  const own = NAMES[answer] ?? answer;
  if (own === wanted) return [ok('image builder', `${program} builds ${own}, as the instances are`)];
  const platforms = (await run(program, ['buildx', 'ls'])) ?? '';
  return [
    expected(
      'image builder',
      `${program} runs on ${own}, the instances are ${wanted}`,
      platforms.includes(`linux/${wanted}`),
      `Let it emulate the other: docker run --privileged --rm tonistiigi/binfmt --install ${wanted}; or choose an ${own} type in fleet.instanceType before the first deploy.`,
    ),
  ];
}

function imagesOf({ image, web, workers, scheduler, migration }: StageConfiguration): ImageConfiguration[] {
  const processes = [web, ...Object.values(workers), ...(scheduler === undefined ? [] : [scheduler])];
  return [
    ...processes.map((process) => process.image ?? image),
    ...processes.flatMap(({ sidecars }) => Object.values(sidecars).map((sidecar) => sidecar.image)),
    ...(migration === undefined ? [] : [migration.image ?? image]),
  ];
}

/** Standard output without blanks around it; undefined when the program is not there, fails or takes too long. */
function run(program: string, words: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, [...words], { timeout: TIMEOUT_MS }, (error, stdout) => {
      resolve(error === null && stdout.trim() !== '' ? stdout.trim() : undefined);
    });
  });
}
