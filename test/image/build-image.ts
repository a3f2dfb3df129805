import { join } from 'node:path';
import { docker } from './docker';
import { IMAGE } from './image';

/** Builds the image, and removes what earlier tests built. */
async function buildImage(): Promise<void> {
  const began = performance.now();
  const root = join(__dirname, '..', '..');
  const marks = ['--label', 'holdfast.stage=test', '--tag', IMAGE];
  await docker('build', '--quiet', '--force-rm', ...marks, '--file', join(root, 'app', 'Dockerfile'), root);
  console.log(`Built ${IMAGE} in ${Math.round((performance.now() - began) / 1000)} s.`);
  await docker('image', 'prune', '--force', '--filter', 'label=holdfast.stage=test');
  // Stages stay for a day, because the next build takes their layers again.
  await docker('image', 'prune', '--force', '--filter', 'label=holdfast.stage=build', '--filter', 'until=24h');
}

export { buildImage as default };
