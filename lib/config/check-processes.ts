import { PATHS, PORTS } from '../../app/src/contract';
import type { Locate } from './locate';
import { RESERVED_ENVIRONMENT } from './reserved-environment';
import type { StageConfiguration } from './stage-configuration';
import { together } from './warnings';
import type { StageFindings } from './warnings';

/** Names of services and containers that a worker kind cannot have. */
const RESERVED_KINDS: readonly string[] = ['web', 'scheduler', 'migration'];

/** Rules between the values of processes. */
export function checkProcesses(configuration: StageConfiguration, locate: Locate): StageFindings {
  return together(
    { mistakes: scalingMistakes(configuration, locate) },
    { mistakes: queueMistakes(configuration, locate) },
    { mistakes: kindMistakes(configuration, locate) },
    { mistakes: portMistakes(configuration, locate) },
    { mistakes: environmentMistakes(configuration, locate) },
    { mistakes: commandMistakes(configuration, locate) },
    { mistakes: engineMistakes(configuration, locate) },
    engineWarnings(configuration),
    imageWarnings(configuration),
  );
}

function scalingMistakes({ web, workers }: StageConfiguration, locate: Locate): string[] {
  const scaled = [
    { at: ['web'], scaling: web.scaling },
    ...Object.entries(workers).map(([kind, { scaling }]) => ({ at: ['workers', kind], scaling })),
  ];
  return scaled
    .filter(({ scaling }) => scaling.min > scaling.max)
    .map(
      ({ at, scaling: { min, max } }) =>
        `${locate(...at, 'scaling', 'min')} is ${min} with max ${max}; allowed is at most ${max}: lower min, or raise max.`,
    );
}

function queueMistakes({ workers }: StageConfiguration, locate: Locate): string[] {
  const owners = new Map<string, string>();
  return Object.entries(workers).flatMap(([kind, { queues }]) =>
    queues.flatMap(({ name }, index) => {
      const owner = owners.get(name);
      owners.set(name, owner ?? kind);
      if (owner === undefined) return [];
      const where = locate('workers', kind, 'queues', String(index), 'name');
      return owner === kind
        ? [`${where} is "${name}", which the kind has already; allowed is a queue once: remove it.`]
        : [
            `${where} is "${name}", which workers.${owner} has too; allowed is one kind for a queue, because each scales on its own backlog: remove it from one.`,
          ];
    }),
  );
}

function kindMistakes({ workers }: StageConfiguration, locate: Locate): string[] {
  return Object.keys(workers)
    .filter((kind) => RESERVED_KINDS.includes(kind))
    .map(
      (kind) =>
        `${locate('workers', kind)} has the name of another process; allowed is any other name than ${RESERVED_KINDS.join(', ')}: rename it.`,
    );
}

/** The processes that run containers of the app, with where they stand and their container's name in the task. */
function processesOf({ web, workers, scheduler }: StageConfiguration) {
  return [
    { at: ['web'], container: 'web', process: web },
    ...Object.entries(workers).map(([kind, worker]) => ({
      at: ['workers', kind],
      container: `worker-${kind}`,
      process: worker,
    })),
    ...(scheduler === undefined ? [] : [{ at: ['scheduler'], container: 'scheduler', process: scheduler }]),
  ];
}

function portMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  const { web, taskEngine } = configuration;
  const metrics = taskEngine === 'holdfast';
  return processesOf(configuration).flatMap(({ at, container, process }) => {
    const taken = new Map<number, string>(metrics ? [[PORTS.metrics, 'the metrics server']] : []);
    const take = (port: number, owner: string, where: string): string[] => {
      const other = taken.get(port);
      taken.set(port, other ?? owner);
      if (other === undefined) return [];
      return [`${where} is ${port}, where ${other} listens; allowed is a port of its own in the task: change it.`];
    };
    const measures = taskEngine === 'celery' && container === 'scheduler';
    const main = container === 'web' ? take(web.port, 'web', locate('web', 'port')) : [];
    const sidecars = Object.entries(process.sidecars).flatMap(([name, { port }]) => [
      ...(port === undefined ? [] : take(port, `the sidecar ${name}`, locate(...at, 'sidecars', name, 'port'))),
      ...(name === container || (measures && name === 'celery-metrics')
        ? [
            `${locate(...at, 'sidecars', name)} has the name of a container of the task; allowed is any other name: rename it.`,
          ]
        : []),
    ]);
    return [...main, ...sidecars];
  });
}

function environmentMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  const { migration } = configuration;
  const all = [
    ...processesOf(configuration).map(({ at, process }) => ({ at, process })),
    ...(migration === undefined ? [] : [{ at: ['migration'], process: migration }]),
  ];
  const reserved = all.flatMap(({ at, process }) =>
    (['environment', 'secrets'] as const).flatMap((map) =>
      Object.keys(process[map]).flatMap((name) => {
        const way = RESERVED_ENVIRONMENT.get(name);
        if (way === undefined) return [];
        return [`${locate(...at, map, name)} is set by the deployment; allowed are other names: ${way}.`];
      }),
    ),
  );
  const sidecars = processesOf(configuration).flatMap(({ at, process }) =>
    Object.entries(process.sidecars).map(([name, sidecar]) => ({ at: [...at, 'sidecars', name], process: sidecar })),
  );
  const twice = [...all, ...sidecars].flatMap(({ at, process }) =>
    Object.keys(process.secrets)
      .filter((name) => Object.hasOwn(process.environment, name))
      .map(
        (name) =>
          `${locate(...at, 'secrets', name)} stands in environment too; allowed is one of them: remove the other.`,
      ),
  );
  return [...reserved, ...twice];
}

/** With one image and no command, a worker would run what web runs. */
function commandMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  const { web, image } = configuration;
  if (web.command !== undefined) return [];
  const imageOf = (own: typeof web.image) => JSON.stringify(own ?? image);
  return processesOf(configuration)
    .filter(({ container, process }) => container !== 'web' && process.command === undefined)
    .filter(({ process }) => imageOf(process.image) === imageOf(web.image))
    .map(
      ({ at }) =>
        `${locate(...at, 'command')} is missing, as is that of web, and both run the same image; allowed is one process without a command: name what ${at.join('.')} runs.`,
    );
}

function engineMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  const { taskEngine, workers, probes, web, fleet, scheduler } = configuration;
  const kinds = Object.entries(workers);
  return [
    ...(kinds.length === 0 && taskEngine !== 'custom'
      ? [
          `${locate('workers')} is empty with taskEngine '${taskEngine}'; allowed is at least one kind, or accepted tasks are never done: add workers: { default: { queues: [{ name: 'default' }] } }.`,
        ]
      : []),
    ...(probes && taskEngine !== 'holdfast'
      ? [`${locate('probes')} is true with taskEngine '${taskEngine}'; allowed is only with 'holdfast': remove it.`]
      : []),
    ...(taskEngine === 'holdfast' && web.healthPath === PATHS.ready
      ? [
          `${locate('web', 'healthPath')} is "${PATHS.ready}", which fails while the database is away; allowed is a path that does not: use "${PATHS.health}", or all containers are replaced then.`,
        ]
      : []),
    ...kinds.flatMap(([kind, { scaling, spot }]) => [
      ...(scaling.min === 0 && scaling.metric === undefined && (taskEngine === 'custom' || scheduler === undefined)
        ? [
            `${locate('workers', kind, 'scaling', 'min')} is 0 where the kind scales on CPU, which nothing uses then; allowed is at least 1, or nothing wakes it: raise it, or ${taskEngine === 'custom' ? 'give scaling.metric' : 'add scheduler, which measures the backlog'}.`,
          ]
        : []),
      ...(scaling.metric !== undefined && taskEngine !== 'custom'
        ? [
            `${locate('workers', kind, 'scaling', 'metric')} is given with taskEngine '${taskEngine}', which scales on its backlog; allowed is a metric only with 'custom': remove it, or set backlogPerWorker.`,
          ]
        : []),
      ...(spot && fleet.spot === undefined
        ? [
            `${locate('workers', kind, 'spot')} is true without fleet.spot; allowed is spot only where the fleet has such instances: add fleet.spot, or set spot false.`,
          ]
        : []),
    ]),
  ];
}

function engineWarnings({ taskEngine, scheduler, migration, workers, fleet }: StageConfiguration): StageFindings {
  const warnings: StageFindings['warnings'][number][] = [];
  if (scheduler === undefined && taskEngine !== 'custom') {
    warnings.push({
      id: 'holdfast:no-scheduler',
      text: 'There is no scheduler, which measures the queues: workers scale on CPU, and no alarm tells of a backlog; add scheduler.',
    });
  }
  if (migration === undefined && taskEngine === 'holdfast') {
    warnings.push({
      id: 'holdfast:no-migration',
      text: "There is no migration, so nothing creates the task engine's tables; add migration, or migrate by hand before the first deploy.",
    });
  }
  if (fleet.spot !== undefined && !Object.values(workers).some(({ spot }) => spot)) {
    warnings.push({
      id: 'holdfast:spot-unused',
      text: 'fleet.spot is given, but no worker kind has spot true: set it, or remove fleet.spot.',
    });
  }
  return { mistakes: [], warnings };
}

function imageWarnings(configuration: StageConfiguration): StageFindings {
  const { image, migration, fleet } = configuration;
  const processes = processesOf(configuration).map(({ process }) => process);
  const images = [
    image,
    ...[...processes, ...(migration === undefined ? [] : [migration])].map(({ image: own }) => own),
    ...processes.flatMap(({ sidecars }) => Object.values(sidecars).map(({ image: own }) => own)),
  ];
  const references = new Set(
    images.flatMap((each) => (each !== undefined && 'reference' in each ? [each.reference] : [])),
  );
  if (references.size === 0) return { mistakes: [], warnings: [] };
  return {
    mistakes: [],
    warnings: [
      {
        id: 'holdfast:image-architecture',
        text: `${[...references].join(' and ')} must be there for the architecture of ${fleet.instanceType}, which is not checked: look at "docker manifest inspect", or build the image from a directory.`,
      },
    ],
  };
}
