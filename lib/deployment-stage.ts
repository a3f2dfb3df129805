import { Annotations, CfnOutput } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { loadStage, stackName } from './config';
import type { Configuration, LoadedStage, StageConfiguration } from './config';
import {
  DataAlarms,
  ServiceAlarms,
  StageDashboard,
  allowEventsToPublish,
  rollBackOnAlarms,
  watchedCounts,
} from './observability';
import { StatefulStack } from './stateful/stateful-stack';
import { StatelessStack } from './stateless/stateless-stack';

export interface Stacks {
  readonly stateful: StatefulStack;
  readonly stateless: StatelessStack;
}

/** What a configuration file exports. */
export interface Deployment {
  readonly default: Configuration;
  /** Changes the finished stacks: the way out for what the configuration does not know. */
  readonly customize?: (stacks: Stacks, stage: string) => void;
}

export interface DeploymentStageProps {
  readonly configuration: Configuration;
  /** @default - the stacks stay as they are */
  readonly customize?: Deployment['customize'];
}

/** What the configuration file's own `customize` threw, as its cause. */
export class CustomizeError extends Error {
  override readonly name = 'CustomizeError';
  constructor(stage: string, cause: unknown) {
    super(`customize threw an error for the stage ${stage}:`, { cause });
  }
}

/** One deployment of everything: the stack that is kept, the stack that is replaced freely, and what watches both. */
export class DeploymentStage extends Construct implements Stacks {
  readonly stateful: StatefulStack;
  readonly stateless: StatelessStack;
  /** What the stage costs, in a sentence. */
  readonly costs: string;

  /**
   * @throws ConfigurationError with every mistake of the configuration, in all its stages.
   * @throws CustomizeError when `customize` throws.
   */
  constructor(scope: Construct, stage: string, props: DeploymentStageProps) {
    super(scope, stage);
    const loaded = loadStage(props.configuration, stage, watchedCounts);
    const { configuration, connectionBudget, drainBudget } = loaded;
    const { account, region } = configuration;
    const common = {
      configuration,
      env: { region, ...(account === undefined ? {} : { account }) },
      // Of the stack, not of its load balancer: a first deploy that fails can still take back what it made.
      terminationProtection:
        'deletionProtection' in configuration.database && configuration.database.deletionProtection,
    };
    this.stateful = new StatefulStack(this, 'Stateful', {
      ...common,
      stackName: stackName(configuration, 'stateful'),
      description: `${configuration.name} ${stage}: database, queue, cache and uploads, which are kept`,
      maxConnections: connectionBudget.maxConnections,
    });
    this.stateless = new StatelessStack(this, 'Stateless', {
      ...common,
      stackName: stackName(configuration, 'stateless'),
      description: `${configuration.name} ${stage}: containers, load balancer and fleet, which are replaced freely`,
      drainBudget,
    });
    this.stateless.addStackDependency(this.stateful);
    watchStage(this, configuration);
    this.costs = this.tellCost(loaded);
    this.tellWarnings(loaded);
    try {
      props.customize?.(this, stage);
    } catch (error) {
      throw new CustomizeError(stage, error);
    }
  }

  private tellCost({ cost, configuration }: LoadedStage): string {
    const total = cost.totalUsdPerMonth.toFixed(2);
    const without = ['traffic', ...cost.unpriced].join(' and ');
    const unverified = cost.unverifiedUsdPerMonth.toFixed(2);
    new CfnOutput(this.stateless, 'EstimatedCost', {
      description: `Estimated cost in USD per month, without ${without}`,
      value: total,
    });
    return `${configuration.name} ${configuration.stage} costs about ${total} USD per month in ${cost.region}, without ${without}; ${unverified} of it rest on prices that are not verified.`;
  }

  private tellWarnings({ warnings, configuration }: LoadedStage): void {
    for (const { id, text } of warnings) {
      const reason = configuration.acknowledge[id];
      Annotations.of(this.stateless).addWarningV2(id, `${text} To accept it, write acknowledge: { '${id}': 'why' }.`);
      if (reason !== undefined) Annotations.of(this.stateless).acknowledgeWarning(id, reason);
    }
  }
}

/** Alarms stand in the stack of what they watch, so that neither stack waits for the other's resources. */
export function watchStage({ stateful, stateless }: Stacks, configuration: StageConfiguration): void {
  const { cluster, capacityProvider, spot } = stateless.fleet;
  const spotCapacityProvider = spot?.capacityProvider;
  const { web, workers, scheduler, services } = stateless;
  const monitored = { configuration, cluster, capacityProvider, spotCapacityProvider, web, workers, scheduler };

  new DataAlarms(stateful, 'Alarms', {
    configuration,
    topic: stateful.alarmTopic,
    database: stateful.database,
    queue: stateful.queue,
    cache: stateful.cache,
  });
  allowEventsToPublish(stateful.alarmTopic, configuration);
  new ServiceAlarms(stateless, 'Alarms', { ...monitored, topic: services.alarmTopic });
  rollBackOnAlarms(web.service, configuration);
  if (configuration.dashboard) {
    new StageDashboard(stateless, 'Dashboard', {
      ...monitored,
      databaseInstanceId: services.database.instanceId,
      queueNodeIds: services.queue.nodeIds,
      cacheNodeIds: services.cache.nodeIds,
    });
  }
}
