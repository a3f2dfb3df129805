import type { z } from 'zod';
import type { Locate } from './locate';
import { similarTo } from './similar';
import { ALLOWED_KEYS, given, unknownKeys } from './values';

/** One sentence for each issue of a stage's schema, and for each key that is unknown. */
export function sentencesOf(issues: readonly z.core.$ZodIssue[], locate: Locate): string[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map(String);
    const keys = unknownKeys(issue);
    if (keys.length === 0) return [`${locate(...path)} ${issue.message}.`];
    const [, known = ''] = issue.message.split(ALLOWED_KEYS);
    return keys.map((key) => unknownKey(key, path, known, locate));
  });
}

function unknownKey(key: string, path: readonly string[], known: string, locate: Locate): string {
  const where = locate(...path, key)
    .slice(0, -key.length)
    .replace(/\.$/, '');
  // The stages themselves, and what a stage starts from, stand beside the keys of the schema.
  const beside = path.length > 0 ? '' : where === '' ? ', stages' : ', like';
  const allowed = `${known}${beside}`;
  const meant = similarTo(bare(key), allowed.split(', '));
  const mend = meant === undefined ? '' : `: write ${meant}`;
  return `${where === '' ? 'The configuration' : where} has the unknown key ${given(key)}${mend}${ALLOWED_KEYS}${allowed}.`;
}

/** The CDK's command line names an annotation with its kind in front, where the id of a warning is asked for. */
function bare(key: string): string {
  return key.replace(/^Annotation::/, '');
}
