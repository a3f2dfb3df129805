export { ConfigurationError } from './configuration-error';
export { defineConfiguration, resolveStage } from './stage-configuration';
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
