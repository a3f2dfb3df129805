import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';

/** Lists that name something twice; addresses of mail differ by more than their case. */
export function checkLists(
  { alarms, allowedCidrs, fleet }: StageConfiguration,
  locate: Locate,
): { readonly mistakes: readonly string[] } {
  const lists = [
    { at: ['alarms', 'emails'], values: alarms.emails },
    { at: ['allowedCidrs'], values: allowedCidrs },
    { at: ['fleet', 'spot', 'instanceTypes'], values: fleet.spot?.instanceTypes ?? [] },
  ];
  return {
    mistakes: lists.flatMap(({ at, values }) =>
      repeated(values).map(
        (value) => `${locate(...at)} has "${value}" twice; allowed is each once: remove the second.`,
      ),
    ),
  };
}

function repeated(values: readonly string[]): readonly string[] {
  const lower = values.map((value) => value.toLowerCase());
  return values.filter((_, index) => lower.indexOf(lower[index] ?? '') < index);
}
