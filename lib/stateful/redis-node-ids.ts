export interface RedisShape {
  /** @default false */
  readonly clusterMode?: boolean;
  /** @default 0 */
  readonly replicas?: number;
  /** @default 1 */
  readonly shards?: number | undefined;
}

/**
 * How ElastiCache names the nodes of a group, which is the dimension of their metrics: `id-001`, in cluster mode
 * `id-0001-001`.
 */
export function redisNodeIds(
  replicationGroupId: string,
  { clusterMode = false, replicas = 0, shards = 1 }: RedisShape,
): string[] {
  const nodes = numbers(1 + replicas, 3);
  if (!clusterMode) return nodes.map((node) => `${replicationGroupId}-${node}`);
  return numbers(shards, 4).flatMap((shard) => nodes.map((node) => `${replicationGroupId}-${shard}-${node}`));
}

function numbers(count: number, digits: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index + 1).padStart(digits, '0'));
}
