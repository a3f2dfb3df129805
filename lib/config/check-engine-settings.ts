import { inLayers, stands } from './locate';
import type { Layers } from './locate';
import type { StageConfiguration } from './stage-configuration';
import { isObject } from './values';

type Engine = StageConfiguration['taskEngine'];

/** Settings that only some engines read; under `*` stands each worker kind. */
const READ_BY: readonly { readonly path: readonly string[]; readonly engines: readonly Engine[] }[] = [
  { path: ['celery', 'visibilityTimeoutSeconds'], engines: ['celery'] },
  { path: ['workers', '*', 'scaleInProtection'], engines: ['holdfast'] },
  { path: ['workers', '*', 'scaling', 'backlogPerWorker'], engines: ['holdfast', 'celery'] },
  { path: ['workers', '*', 'scaling', 'oldestAgeSeconds'], engines: ['holdfast'] },
  { path: ['alarms', 'backlogTasks'], engines: ['holdfast', 'celery'] },
  { path: ['alarms', 'oldestAgeSeconds'], engines: ['holdfast'] },
];

/**
 * Settings that are given and that the stage's engine does not read; all have defaults, so only the layers tell. Where a
 * stage has another engine than the common part, that part's settings are for the others.
 */
export function checkEngineSettings({ taskEngine, workers }: StageConfiguration, layers: Layers): string[] {
  const { own, common } = layers;
  const ownEngine = isObject(own) && own['taskEngine'] !== undefined;
  return READ_BY.filter(({ engines }) => !engines.includes(taskEngine)).flatMap(({ path, engines }) =>
    Object.keys(path.includes('*') ? workers : { once: true }).flatMap((kind) => {
      const place = path.map((key) => (key === '*' ? kind : key));
      if (!stands(own, place) && (ownEngine || !stands(common, place))) return [];
      const allowed = engines.map((engine) => `'${engine}'`).join(' or ');
      return [
        `${inLayers(layers)(...place)} is given with taskEngine '${taskEngine}', which does not read it; allowed is only with ${allowed}: remove it.`,
      ];
    }),
  );
}
