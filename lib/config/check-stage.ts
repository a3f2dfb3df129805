import { capacityMistakes } from './capacity';
import { inResolved } from './locate';
import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';

/** Something that is allowed and may be meant; `acknowledge` takes its id and the reason. */
export interface StageWarning {
  readonly id: string;
  readonly text: string;
}

export interface StageFindings {
  readonly mistakes: readonly string[];
  /** Also those that are acknowledged. */
  readonly warnings: readonly StageWarning[];
}

/** Checks the rules between a stage's values; those of single values are the schema's. */
export function checkStage(configuration: StageConfiguration, locate: Locate = inResolved): StageFindings {
  return { mistakes: [...capacityMistakes(configuration, locate)], warnings: [] };
}
