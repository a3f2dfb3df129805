import type { ImageConfiguration } from './processes';
import type { MigrationConfiguration, ProcessConfiguration, StageConfiguration } from './stage-configuration';

/** A process with its place in the configuration. */
export interface PlacedProcess {
  readonly at: readonly string[];
  readonly process: ProcessConfiguration | MigrationConfiguration;
}

/** Web, workers, scheduler and migration, as far as there are some. */
export function everyProcess({ web, workers, scheduler, migration }: StageConfiguration): readonly PlacedProcess[] {
  return [
    { at: ['web'], process: web },
    ...Object.entries(workers).map(([kind, worker]) => ({ at: ['workers', kind], process: worker })),
    ...(scheduler === undefined ? [] : [{ at: ['scheduler'], process: scheduler }]),
    ...(migration === undefined ? [] : [{ at: ['migration'], process: migration }]),
  ];
}

export interface PlacedImage {
  readonly at: readonly string[];
  readonly image: ImageConfiguration;
}

/** The images that stand in the configuration, each once: the common one, those of processes and of their sidecars. */
export function everyImage(configuration: StageConfiguration): readonly PlacedImage[] {
  const own = everyProcess(configuration).flatMap(({ at, process }) => [
    ...(process.image === undefined ? [] : [{ at: [...at, 'image'], image: process.image }]),
    ...Object.entries('sidecars' in process ? process.sidecars : {}).map(([name, { image }]) => ({
      at: [...at, 'sidecars', name, 'image'],
      image,
    })),
  ]);
  return [{ at: ['image'], image: configuration.image }, ...own];
}
