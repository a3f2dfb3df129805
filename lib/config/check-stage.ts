import { checkCapacity } from './capacity';
import { checkDatabase } from './check-database';
import { checkFiles } from './check-files';
import { checkLists } from './check-lists';
import { checkNames } from './check-names';
import { checkNetwork } from './check-network';
import { checkProcesses } from './check-processes';
import { checkRedis } from './check-redis';
import { connectionBudget } from './connection-budget';
import { checkCost } from './check-cost';
import { NOTHING_WATCHED, estimateCost } from './cost-estimate';
import type { WatchedCounts } from './cost-estimate';
import { drainBudget } from './drain-budget';
import { inResolved } from './locate';
import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';
import { together } from './warnings';
import type { StageFindings, StageWarning } from './warnings';

/**
 * Checks the rules between a stage's values; those of single values are the schema's.
 * @param locate says where a value stands; by default its path in the resolved configuration.
 * @param watched alarms and metrics for the estimate of the cost. @default - none
 */
export function checkStage(
  configuration: StageConfiguration,
  locate: Locate = inResolved,
  watched: WatchedCounts = NOTHING_WATCHED,
): StageFindings {
  const findings = together(
    checkNames(configuration, locate),
    checkProcesses(configuration, locate),
    checkFiles(configuration, locate),
    checkLists(configuration, locate),
    checkNetwork(configuration, locate),
    { mistakes: fleetMistakes(configuration, locate) },
    checkCapacity(configuration, locate),
    drainBudget(configuration, locate),
    checkDatabase(configuration, locate),
    connectionBudget(configuration, locate),
    checkRedis(configuration, locate),
    { warnings: alarmWarnings(configuration) },
    checkCost(configuration, estimateCost(configuration, watched), locate),
  );
  return { ...findings, mistakes: [...new Set(findings.mistakes)] };
}

/** Warnings that are acknowledged and that nothing raises: the reason for the acknowledgement is gone. */
export function uselessAcknowledgements(
  configuration: StageConfiguration,
  { warnings }: StageFindings,
): readonly string[] {
  const raised = new Set<string>(warnings.map(({ id }) => id));
  return Object.keys(configuration.acknowledge).filter((id) => !raised.has(id));
}

function fleetMistakes({ fleet }: StageConfiguration, locate: Locate): string[] {
  return fleet.min <= fleet.max
    ? []
    : [
        `${locate('fleet', 'min')} is ${fleet.min} with max ${fleet.max}; allowed is at most ${fleet.max}: lower min, or raise max.`,
      ];
}

function alarmWarnings({ alarms }: StageConfiguration): readonly StageWarning[] {
  if (alarms.emails.length > 0) return [];
  return [
    {
      id: 'holdfast:alarms-reach-nobody',
      text: 'alarms.emails is empty: nobody is told when tasks wait or die; name at least one address.',
    },
  ];
}
