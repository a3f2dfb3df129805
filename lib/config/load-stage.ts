import { checkStage } from './check-stage';
import type { StageWarning } from './check-stage';
import { ConfigurationError } from './configuration-error';
import { connectionBudget } from './connection-budget';
import type { ConnectionBudget } from './connection-budget';
import { estimateCost } from './cost-estimate';
import type { CostEstimate } from './cost-estimate';
import { drainBudget } from './drain-budget';
import type { DrainBudget } from './drain-budget';
import { resolveStage } from './stage-configuration';
import type { Configuration, StageConfiguration } from './stage-configuration';

/** A stage's configuration, checked, and what follows from it. */
export interface LoadedStage {
  readonly configuration: StageConfiguration;
  readonly drainBudget: DrainBudget;
  readonly connectionBudget: ConnectionBudget;
  readonly cost: CostEstimate;
  /** Also those that are acknowledged. */
  readonly warnings: readonly StageWarning[];
}

/**
 * Resolves and checks a stage.
 * @throws ConfigurationError with every mistake of every stage, so that one in production shows when dev is deployed.
 */
export function loadStage(configuration: Configuration, stage: string): LoadedStage {
  const resolved = resolveStage(configuration, stage);
  const drain = drainBudget(resolved);
  const connections = connectionBudget(resolved);
  const cost = estimateCost(resolved);
  const { mistakes, warnings } = checkStage(resolved);
  const all = [...mistakes, ...drain.mistakes, ...connections.mistakes];
  if (all.length > 0) throw new ConfigurationError(all);
  return {
    configuration: resolved,
    drainBudget: drain.budget,
    connectionBudget: connections,
    cost,
    warnings: [...warnings, ...cost.warnings],
  };
}
