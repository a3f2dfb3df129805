/** What everything of a stage is named by. */
export interface StageName {
  /** Of the app. */
  readonly name: string;
  readonly stage: string;
}

/** The stack's name in CloudFormation. */
export function stackName({ name, stage }: StageName, part: 'stateful' | 'stateless'): string {
  return `${name}-${stage}-${part}`;
}

/** The ECS cluster; its services are named like their processes: `web`, `worker-default`, `scheduler`. */
export function clusterName({ name, stage }: StageName): string {
  return `${name}-${stage}`;
}

/** The family of a process's task definitions, the migration's included. */
export function taskFamily({ name, stage }: StageName, process: string): string {
  return `${name}-${stage}-${process}`;
}

/** Tag of a task definition that `holdfast rollback` has registered; its value is the ARN of the one that was deployed. */
export const ROLLED_BACK_FROM = 'holdfast:rolled-back-from';

/** The log group of a process, the migration included. */
export function logGroupName({ name, stage }: StageName, process: string): string {
  return `/${name}/${stage}/${process}`;
}

/** Every alarm of a stage has a name known before the deploy: `<name>-<stage>-<what>`. */
export function alarmName({ name, stage }: StageName, what: string): string {
  return `${name}-${stage}-${what}`;
}

/** Begins the names of the SSM parameters through which the kept stack tells what it has. */
export function parameterPath({ name, stage }: StageName): string {
  return `/${name}/${stage}`;
}
