export { CELERY_METRICS_SIZE, taskSizes } from './capacity';
export type { TaskSize } from './capacity';
export { checkStage } from './check-stage';
export { ConfigurationError } from './configuration-error';
export { connectionBudget, databasePoolSize, maxConnections } from './connection-budget';
export type { ConnectionBudget, ConnectionLine } from './connection-budget';
export { estimateCost, HOURS_PER_MONTH } from './cost-estimate';
export type { CostEstimate, CostItem, WatchedCounts } from './cost-estimate';
export { drainBudget } from './drain-budget';
export type { DrainBudget, StopBudget, WebDrain, WorkerDrain } from './drain-budget';
export { ECS_RESERVED_MEMORY_MIB, instanceType } from './instance-types';
export type { InstanceType } from './instance-types';
export type { Locate } from './locate';
export { loadStage } from './load-stage';
export type { LoadedStage } from './load-stage';
export { PRICE_SOURCES } from './prices';
export type { PriceMark } from './prices';
export { SECRET_LENGTHS } from './secret-lengths';
export { instancesAtSmallestScale } from './smallest-scale';
export {
  alarmName,
  clusterName,
  logGroupName,
  parameterPath,
  ROLLED_BACK_FROM,
  stackName,
  taskFamily,
} from './stage-names';
export type { StageName } from './stage-names';
export { addressOf, defineConfiguration, resolveStage, stagesOf } from './stage-configuration';
export type {
  Configuration,
  MigrationConfiguration,
  ProcessConfiguration,
  SchedulerConfiguration,
  StageConfiguration,
  StageOverrides,
  WebConfiguration,
  WorkerConfiguration,
} from './stage-configuration';
export type {
  ImageConfiguration,
  PermissionConfiguration,
  SecretConfiguration,
  SidecarConfiguration,
} from './processes';
export type { StageFindings, StageWarning, WarningId } from './warnings';
