import { InvalidTaskError } from '../errors';
import { isUuid } from '../uuids';
import { FAILURE_POLICIES } from '../types';
import type { AcceptOptions, FailurePolicy } from '../types';

/** One task that another is to wait for, and what its failure means for that one. */
export interface Edge {
  /** Uuid. */
  readonly id: string;
  readonly onFailure: FailurePolicy;
}

export const MAX_PARENTS = 100;

/**
 * What `after` names, checked before any connection is used.
 * @throws InvalidTaskError naming what is wrong.
 */
export function edgesOf(after: AcceptOptions['after']): readonly Edge[] | undefined {
  if (after === undefined) return undefined;
  if (after.length < 1 || after.length > MAX_PARENTS) {
    throw new InvalidTaskError('after', `names ${after.length} tasks; allowed are 1 to ${MAX_PARENTS}`);
  }
  const edges = after.map((parent) => {
    const { id, onFailure = 'cancel' } = typeof parent === 'string' ? { id: parent } : parent;
    if (!isUuid(id)) throw new InvalidTaskError('after', `${JSON.stringify(id)} is not a uuid`);
    if (!FAILURE_POLICIES.includes(onFailure)) {
      const rule = FAILURE_POLICIES.join(', ');
      throw new InvalidTaskError('after', `onFailure is ${JSON.stringify(onFailure)}; allowed is ${rule}`);
    }
    return { id: id.toLowerCase(), onFailure };
  });
  const seen = new Set<string>();
  for (const { id } of edges) {
    if (seen.has(id)) throw new InvalidTaskError('after', `names task ${id} twice`);
    seen.add(id);
  }
  return edges;
}
