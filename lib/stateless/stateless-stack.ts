import { CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { DrainBudget, StageConfiguration } from '../config';
import { lookUpBackingServices } from '../stateful/backing-services';
import type { BackingServices } from '../stateful/backing-services';
import { acknowledgeSuperfluousDependencies } from './cfn-lint';
import { ContainerFleet } from './container-fleet';
import { ContainerImages } from './container-images';
import { architectureOf } from './machine-image';
import { Migration } from './migration';
import { SchedulerService } from './scheduler-service';
import { WebService } from './web-service';
import { WorkerService } from './worker-service';

export interface StatelessStackProps extends StackProps {
  readonly configuration: StageConfiguration;
  readonly drainBudget: DrainBudget;
}

/** Everything that may be replaced at any time: fleet, load balancer, services. What is kept stands in StatefulStack. */
export class StatelessStack extends Stack {
  readonly services: BackingServices;
  readonly fleet: ContainerFleet;
  readonly web: WebService;
  /** By the names of the configuration. */
  readonly workers: ReadonlyMap<string, WorkerService>;
  /** @default - the configuration has none */
  readonly scheduler?: SchedulerService;
  /** @default - the configuration has none */
  readonly migration?: Migration;

  constructor(scope: Construct, id: string, props: StatelessStackProps) {
    super(scope, id, props);
    const { configuration, drainBudget } = props;
    this.services = lookUpBackingServices(this, configuration);
    this.fleet = new ContainerFleet(this, 'Fleet', { configuration, services: this.services });
    const images = new ContainerImages(this, 'Images', architectureOf(configuration.fleet.instanceType));
    const common = { configuration, drainBudget, services: this.services, fleet: this.fleet, images };

    this.web = new WebService(this, 'Web', common);
    const publicUrl = this.web.url;
    this.workers = new Map(
      Object.entries(configuration.workers).map(([kind, worker]) => {
        const drain = drainBudget.workers[kind];
        if (drain === undefined) throw new Error(`the drain budget lacks the worker kind "${kind}"`);
        return [kind, new WorkerService(this, `Worker-${kind}`, { ...common, publicUrl, kind, worker, drain })];
      }),
    );
    const { scheduler, migration } = configuration;
    if (scheduler !== undefined)
      this.scheduler = new SchedulerService(this, 'Scheduler', { ...common, publicUrl, scheduler });
    if (migration !== undefined) {
      this.migration = new Migration(this, 'Migration', { ...common, publicUrl, migration });
      // A failed migration fails the deploy before anything of the new version serves.
      for (const { service } of this.processes) service.node.addDependency(this.migration.run);
    }
    const { name, stage, tags } = configuration;
    for (const [key, value] of Object.entries({ app: name, stage, ...tags })) Tags.of(this).add(key, value);
    acknowledgeSuperfluousDependencies(this);
    new CfnOutput(this, 'Url', { description: 'Where people reach the app', value: this.web.url });
  }

  /** All services, whichever process they run. */
  get processes(): readonly (WebService | WorkerService | SchedulerService)[] {
    return [this.web, ...this.workers.values(), ...(this.scheduler === undefined ? [] : [this.scheduler])];
  }
}
