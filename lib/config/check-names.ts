import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';
import { HOLDFAST_QUEUE } from './values';

/** Source: Systems Manager guide, "Requirements and constraints for parameter names"; the stacks' begin with the name. */
const RESERVED_PARAMETER = /^(aws|ssm)/i;
/** Source: Tagging AWS resources guide, "Tag naming limits". */
const RESERVED_TAG = /^aws:/i;

/** Tags of the deployment itself. */
const OWN_TAGS: readonly string[] = ['app', 'stage'];
/** Source: the same page: 50 tags a resource, of which three are `app`, `stage` and the `Name` that the CDK gives some. */
const MOST_TAGS = 47;

/** Names that AWS or the task engine keep for themselves. */
export function checkNames(
  { name, tags, taskEngine, workers }: StageConfiguration,
  locate: Locate,
): { readonly mistakes: readonly string[] } {
  const ofParameters = RESERVED_PARAMETER.test(name)
    ? [
        `${locate('name')} is "${name}"; allowed is a name that begins with neither aws nor ssm, which Systems Manager keeps in the paths of parameters: rename it.`,
      ]
    : [];
  const ofTags = tagMistakes(Object.keys(tags), locate('tags'));
  const ofQueues = Object.entries(workers).flatMap(([kind, { queues }]) =>
    queues.flatMap(({ name: queue }, index) =>
      taskEngine !== 'holdfast' || HOLDFAST_QUEUE.test(queue)
        ? []
        : [
            `${locate('workers', kind, 'queues', String(index), 'name')} is "${queue}" with taskEngine 'holdfast'; allowed are lower-case letters, digits, dots and dashes, starting with a letter or digit: rename it.`,
          ],
    ),
  );
  return { mistakes: [...ofParameters, ...ofTags, ...ofQueues] };
}

function tagMistakes(tags: readonly string[], where: string): string[] {
  const refuse = (tag: string, allowed: string, mend: string) =>
    `${where} has "${tag}"; allowed are ${allowed}: ${mend}.`;
  // IAM does not tell tags apart by their case and refuses the second.
  const lower = tags.map((tag) => tag.toLowerCase());
  const names = tags.flatMap((tag, index) => {
    const name = tag.toLowerCase();
    if (RESERVED_TAG.test(tag)) return [refuse(tag, "names that do not begin with aws:, AWS's own", 'rename it')];
    if (OWN_TAGS.includes(name)) {
      return [refuse(tag, `other names than ${OWN_TAGS.join(' and ')}, which the deployment sets`, 'remove it')];
    }
    const other = tags[lower.indexOf(name)];
    return other === tag || lower.indexOf(name) === index
      ? []
      : [refuse(tag, `names that differ by more than their case, and "${other ?? ''}" is there`, 'remove one')];
  });
  return tags.length <= MOST_TAGS
    ? names
    : [
        ...names,
        `${where} has ${tags.length} tags; allowed are at most ${MOST_TAGS}, because AWS takes 50 and the deployment sets ${OWN_TAGS.join(', ')} and Name: remove ${tags.length - MOST_TAGS}.`,
      ];
}
