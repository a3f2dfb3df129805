import { instanceType, largesOf, sizesOf } from './instance-types';

/**
 * How sure a price is. K: AWS's price list for Seoul of 2026-10-01. U: AWS's price list for us-east-1 of 2026-10-08.
 * V: read on 2026-08-02. I, F, A: pages of others of 2026 (instance comparisons, forums, articles). P: public code
 * without a date. B: best known, neither dated nor checked.
 */
export type PriceMark = 'K' | 'U' | 'V' | 'I' | 'F' | 'A' | 'P' | 'B';

/** Where each mark's prices come from. */
export const PRICE_SOURCES: Readonly<Record<PriceMark, string>> = {
  K: 'AWS price list, ap-northeast-2, 2026-10-01',
  U: 'AWS price list, us-east-1, 2026-10-08',
  V: 'read on 2026-08-02',
  I: 'comparison page of 2026',
  F: 'forum page of 2026',
  A: 'article of 2026',
  P: 'public code, undated',
  B: 'best known, unverified',
};

/** A price on demand, in USD for the unit that its name says. */
export interface Price {
  readonly usd: number;
  readonly mark: PriceMark;
}

/** AWS's own dated lists are verified; everything else is not. */
export function isVerified({ mark }: Price): boolean {
  return mark === 'K' || mark === 'U';
}

/** Prices that do not depend on an instance's type. */
export interface CommonPrices {
  readonly ebsGp3GbMonth: Price;
  readonly publicIpv4Hour: Price;
  readonly natHour: Price;
  readonly natGb: Price;
  readonly albHour: Price;
  readonly albLcuHour: Price;
  readonly rdsGp3GbMonth: Price;
  readonly rdsGp3MultiAzGbMonth: Price;
  readonly logsGb: Price;
  readonly alarmMonth: Price;
  readonly customMetricMonth: Price;
  readonly dashboardMonth: Price;
  readonly secretMonth: Price;
  readonly kmsKeyMonth: Price;
  readonly s3GbMonth: Price;
  readonly egressGb: Price;
  readonly crossZoneGb: Price;
}

/**
 * Prices an hour by type: EC2 instances, RDS for PostgreSQL in one and in two zones, ElastiCache for Valkey nodes, and what
 * a node costs more with durability 'sync' (known of one type only).
 */
export interface HourlyPrices {
  readonly ec2: Readonly<Record<string, Price>>;
  readonly rds: Readonly<Record<string, Price>>;
  readonly rdsMultiAz: Readonly<Record<string, Price>>;
  readonly valkey: Readonly<Record<string, Price>>;
  readonly valkeyDurability: Readonly<Record<string, Price>>;
}

export interface RegionPrices extends CommonPrices, HourlyPrices {}

/** Regions that there is a price list for. */
export type PricedRegion = 'us-east-1' | 'ap-northeast-2';

/** Another region is estimated with the prices of this one. */
export const FALLBACK_REGION: PricedRegion = 'us-east-1';

const price = (usd: number, mark: PriceMark): Price => ({ usd, mark });

/** On demand, without free tiers, taxes and commitments; checked for the last time on 2026-11-21. */
export const PRICES: Readonly<Record<PricedRegion, RegionPrices>> = {
  'us-east-1': {
    ec2: { 't4g.small': price(0.0168, 'P'), 't4g.medium': price(0.0336, 'U'), 'm7g.large': price(0.0816, 'U') },
    rds: {
      't4g.micro': price(0.016, 'U'),
      't4g.small': price(0.032, 'I'),
      't4g.medium': price(0.065, 'I'),
      'm7g.large': price(0.168, 'B'),
    },
    rdsMultiAz: {
      't4g.micro': price(0.032, 'I'),
      't4g.small': price(0.065, 'B'),
      't4g.medium': price(0.13, 'I'),
      'm7g.large': price(0.337, 'B'),
    },
    valkey: { 't4g.micro': price(0.0128, 'U'), 't4g.small': price(0.0256, 'P'), 'm7g.large': price(0.1264, 'P') },
    valkeyDurability: { 'm7g.large': price(0.0228, 'B') },
    ebsGp3GbMonth: price(0.08, 'P'),
    publicIpv4Hour: price(0.005, 'U'),
    natHour: price(0.045, 'U'),
    natGb: price(0.045, 'U'),
    albHour: price(0.0225, 'U'),
    albLcuHour: price(0.008, 'U'),
    rdsGp3GbMonth: price(0.115, 'U'),
    rdsGp3MultiAzGbMonth: price(0.23, 'B'),
    logsGb: price(0.5, 'U'),
    alarmMonth: price(0.1, 'B'),
    customMetricMonth: price(0.3, 'F'),
    dashboardMonth: price(3, 'F'),
    secretMonth: price(0.4, 'U'),
    kmsKeyMonth: price(1, 'U'),
    s3GbMonth: price(0.023, 'U'),
    egressGb: price(0.09, 'B'),
    crossZoneGb: price(0.01, 'B'),
  },
  'ap-northeast-2': {
    ec2: { 't4g.small': price(0.0208, 'B'), 't4g.medium': price(0.0416, 'K'), 'm7g.large': price(0.1003, 'K') },
    rds: {
      't4g.micro': price(0.025, 'K'),
      't4g.small': price(0.051, 'K'),
      't4g.medium': price(0.102, 'K'),
      'm7g.large': price(0.2344, 'K'),
    },
    rdsMultiAz: {
      't4g.micro': price(0.051, 'K'),
      't4g.small': price(0.102, 'B'),
      't4g.medium': price(0.204, 'B'),
      'm7g.large': price(0.469, 'B'),
    },
    valkey: { 't4g.micro': price(0.0192, 'K'), 't4g.small': price(0.0376, 'V'), 'm7g.large': price(0.151, 'B') },
    valkeyDurability: {},
    ebsGp3GbMonth: price(0.0912, 'K'),
    publicIpv4Hour: price(0.005, 'K'),
    natHour: price(0.059, 'K'),
    natGb: price(0.059, 'K'),
    albHour: price(0.0225, 'K'),
    albLcuHour: price(0.008, 'K'),
    rdsGp3GbMonth: price(0.131, 'K'),
    rdsGp3MultiAzGbMonth: price(0.262, 'K'),
    logsGb: price(0.76, 'K'),
    alarmMonth: price(0.1, 'K'),
    customMetricMonth: price(0.3, 'K'),
    dashboardMonth: price(3, 'B'),
    secretMonth: price(0.4, 'K'),
    kmsKeyMonth: price(1, 'K'),
    s3GbMonth: price(0.025, 'K'),
    egressGb: price(0.126, 'K'),
    crossZoneGb: price(0.01, 'K'),
  },
};

/** The prices that a region is estimated with; `region` says whose they are. */
export function pricesOf(region: string): { readonly region: PricedRegion; readonly prices: RegionPrices } {
  const known = isPricedRegion(region) ? region : FALLBACK_REGION;
  return { region: known, prices: PRICES[known] };
}

export function isPricedRegion(region: string): region is PricedRegion {
  return Object.hasOwn(PRICES, region);
}

/**
 * The price an hour of a type, from the table or, for another size of a family in the table, in proportion to the size
 * and marked B: within a family AWS's prices on demand follow the size. Undefined if the family has no price.
 */
export function hourlyPrice(table: Readonly<Record<string, Price>>, type: string): Price | undefined {
  if (Object.hasOwn(table, type)) return table[type];
  const size = largesOf(type);
  const family = instanceType(type)?.family;
  if (size === undefined || family === undefined) return undefined;
  for (const sibling of [...sizesOf(family)].reverse()) {
    const known = table[`${family}.${sibling}`];
    const knownSize = largesOf(`${family}.${sibling}`);
    if (known !== undefined && knownSize !== undefined) return price((known.usd * size) / knownSize, 'B');
  }
  return undefined;
}
