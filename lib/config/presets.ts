/**
 * Where a stage starts from: `dev` is small and cheap, `production` keeps what was accepted through the loss of a zone. A
 * configuration or a stage overrides any of it. Neither is less safe for tasks; what `dev` gives up is availability.
 */
export const PRESETS = {
  dev: {
    network: { natGateways: 0 },
    fleet: { instanceType: 't4g.small', min: 1, max: 3, ecsExec: true },
    database: { instanceClass: 't4g.micro', multiAz: false, deletionProtection: false },
    redis: { queue: { nodeType: 'cache.t4g.micro', replicas: 0, snapshotDays: 1 }, cache: 'shared' },
    alarms: { set: 'essential' },
    dashboard: false,
    logRetentionDays: 14,
    keepDataOnDelete: 'snapshot',
  },
  production: {
    network: { natGateways: 1 },
    fleet: { instanceType: 't4g.medium', min: 2, max: 6, ecsExec: false },
    database: { instanceClass: 't4g.small', multiAz: true, deletionProtection: true },
    redis: {
      queue: { nodeType: 'cache.t4g.micro', replicas: 1 },
      cache: { nodeType: 'cache.t4g.micro' },
    },
    alarms: { set: 'all' },
    dashboard: true,
    logRetentionDays: 90,
    keepDataOnDelete: 'snapshot',
  },
} as const;

export type PresetName = keyof typeof PRESETS;

/** Sizes that processes start from, in CPU units and MiB. */
export const PROCESS_DEFAULTS = {
  web: { cpuUnits: 256, memoryMiB: 384, databaseConnections: 6, scaling: { min: 1, max: 2 } },
  worker: { cpuUnits: 256, memoryMiB: 384, databaseConnections: 11, scaling: { min: 1, max: 2 } },
  scheduler: { cpuUnits: 64, memoryMiB: 192, databaseConnections: 4 },
  migration: { cpuUnits: 128, memoryMiB: 256 },
} as const;
