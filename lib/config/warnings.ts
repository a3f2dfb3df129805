import { record, text } from './values';

const reason = text(/^.{10,}$/s, 'a reason of at least 10 characters').optional();

/** Warnings that can be accepted, each with the reason why. */
export const acknowledge = record({
  /** The load balancer answers without TLS. */
  'holdfast:http-only': reason,
  /** Nobody is told of an alarm. */
  'holdfast:alarms-reach-nobody': reason,
  /** An existing Redis is reached without TLS. */
  'holdfast:redis-plain-tcp': reason,
  /** Queue and cache share a node in a stage that is meant to keep its queue. */
  'holdfast:shared-cache': reason,
  /** The database stands in one zone in a stage like production. */
  'holdfast:single-zone-database': reason,
  /** An image from a registry must be there for the fleet's architecture. */
  'holdfast:image-architecture': reason,
  /** Nothing creates the tables of the task engine. */
  'holdfast:no-migration': reason,
  /** Nothing measures the queues, for scaling and alarms. */
  'holdfast:no-scheduler': reason,
  /** The account setting awsvpcTrunking must be on. */
  'holdfast:awsvpc-trunking': reason,
  /** The fleet has Spot instances that no worker kind asks for. */
  'holdfast:spot-unused': reason,
  /** The cost is estimated with another region's prices. */
  'holdfast:prices-of-another-region': reason,
  /** A price is missing from the cost. */
  'holdfast:price-unknown': reason,
});

export type WarningId = keyof (typeof acknowledge)['shape'];

/** Something that is allowed and may be meant; `acknowledge` takes its id and the reason. */
export interface StageWarning {
  readonly id: WarningId;
  readonly text: string;
}

export interface StageFindings {
  readonly mistakes: readonly string[];
  /** Also those that are acknowledged. */
  readonly warnings: readonly StageWarning[];
}

/** Puts the findings of several checks together, in their order. */
export function together(...findings: readonly Partial<StageFindings>[]): StageFindings {
  return {
    mistakes: findings.flatMap(({ mistakes = [] }) => mistakes),
    warnings: findings.flatMap(({ warnings = [] }) => warnings),
  };
}
