import { checkEngineSettings } from './check-engine-settings';
import { checkStage, uselessAcknowledgements } from './check-stage';
import { ConfigurationError } from './configuration-error';
import { connectionBudget } from './connection-budget';
import type { ConnectionBudget } from './connection-budget';
import { NOTHING_WATCHED, estimateCost } from './cost-estimate';
import type { CostEstimate, WatchedCounts } from './cost-estimate';
import { drainBudget } from './drain-budget';
import type { DrainBudget } from './drain-budget';
import { inLayers } from './locate';
import { layersOf, resolveStage, stagesOf } from './stage-configuration';
import type { Configuration, StageConfiguration } from './stage-configuration';
import { isObject } from './values';
import type { StageWarning } from './warnings';

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
 * Resolves and checks a stage, and all others with it, so that a mistake in production shows when dev is deployed.
 * @param watched counts a stage's alarms and metrics for the estimate of its cost. @default - none
 * @throws ConfigurationError with every mistake of every stage, or that there is no such stage.
 */
export function loadStage(
  configuration: Configuration,
  stage: string,
  watched: (configuration: StageConfiguration) => WatchedCounts = () => NOTHING_WATCHED,
): LoadedStage {
  const names = stagesOf(configuration);
  if (!names.includes(stage)) layersOf(configuration, stage);
  const checked = names.map((name) => ({ name, ...check(configuration, name, watched) }));
  const mistakes = [...withoutRepetition(checked), ...acknowledgementMistakes(configuration, checked)];
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
  const resolved = resolveStage(configuration, stage);
  return {
    configuration: resolved,
    drainBudget: drainBudget(resolved).budget,
    connectionBudget: connectionBudget(resolved),
    cost: estimateCost(resolved, watched(resolved)),
    warnings: checked.find(({ name }) => name === stage)?.warnings ?? [],
  };
}

interface CheckedStage {
  readonly name: string;
  readonly mistakes: readonly string[];
  readonly warnings: readonly StageWarning[];
  /** Ids that the stage acknowledges and nothing in it raises; undefined where its values could not be read. */
  readonly useless: readonly string[] | undefined;
}

function check(
  configuration: Configuration,
  stage: string,
  watched: (configuration: StageConfiguration) => WatchedCounts,
): Omit<CheckedStage, 'name'> {
  try {
    const resolved = resolveStage(configuration, stage);
    const layers = layersOf(configuration, stage);
    const findings = checkStage(resolved, inLayers(layers), watched(resolved));
    const mistakes = [...findings.mistakes, ...checkEngineSettings(resolved, layers)];
    return { ...findings, mistakes, useless: uselessAcknowledgements(resolved, findings) };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { mistakes: error.mistakes, warnings: [], useless: undefined };
  }
}

/** A mistake of the common part is said once; one that only some stages have, with their names. */
function withoutRepetition(stages: readonly CheckedStage[]): string[] {
  const owners = new Map<string, string[]>();
  for (const { name, mistakes } of stages) {
    for (const mistake of mistakes) owners.set(mistake, [...(owners.get(mistake) ?? []), name]);
  }
  return [...owners].map(([mistake, names]) =>
    names.length === stages.length || mistake.startsWith('stages.')
      ? mistake
      : `In stage ${names.join(' and ')}: ${mistake}`,
  );
}

/** A common acknowledgement must serve some stage, a stage's own that stage. */
function acknowledgementMistakes(configuration: Configuration, stages: readonly CheckedStage[]): string[] {
  const mistake = (where: string, id: string) =>
    `${where}.${id} accepts a warning that nothing raises; allowed are warnings that are raised: remove it.`;
  const known = stages.filter(({ useless }) => useless !== undefined);
  const common = keysOf(configuration.acknowledge).filter(
    (id) => known.length === stages.length && known.every(({ useless }) => useless?.includes(id)),
  );
  return [
    ...common.map((id) => mistake('acknowledge', id)),
    ...known.flatMap(({ name, useless }) =>
      keysOf(configuration.stages[name]?.acknowledge)
        .filter((id) => useless?.includes(id))
        .map((id) => mistake(`stages.${name}.acknowledge`, id)),
    ),
  ];
}

function keysOf(value: unknown): string[] {
  return isObject(value) ? Object.keys(value) : [];
}
