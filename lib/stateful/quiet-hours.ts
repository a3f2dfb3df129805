/** Hours ahead of UTC by region or by the part of the world that its name begins with; whole hours, without summer time. */
const HOURS_AHEAD: Readonly<Record<string, number>> = {
  'us-west': -8,
  'us-gov-west': -8,
  us: -5,
  'ca-west': -7,
  ca: -5,
  mx: -6,
  sa: -3,
  'eu-west': 0,
  eu: 1,
  af: 2,
  il: 2,
  me: 3,
  'ap-south': 5,
  'ap-southeast': 8,
  'ap-southeast-2': 10,
  'ap-southeast-4': 10,
  'ap-southeast-6': 12,
  'ap-northeast': 9,
  'ap-east': 8,
  cn: 8,
};

/** Windows in UTC, in the form that RDS and ElastiCache take. */
export interface QuietHours {
  readonly databaseBackup: string;
  readonly databaseMaintenance: string;
  readonly redisSnapshot: string;
  readonly redisMaintenance: string;
}

/**
 * Times when the region's people sleep. Maintenance may restart a server or fail it over, so it falls into the night
 * before a working day, on database and Redis one after the other.
 * @param region such as `us-east-1`; one that is not known counts as UTC.
 */
export function quietHours(region: string): QuietHours {
  const at = (localHour: number, minutes: string) =>
    `${String(utcHour(region, localHour)).padStart(2, '0')}:${minutes}`;
  const day = (localHour: number) => (localHour - hoursAhead(region) < 0 ? 'mon' : 'tue');
  const window = (from: string, to: string) => `${from}-${to}`;
  const onDay = (localHour: number, minutes: string) => `${day(localHour)}:${at(localHour, minutes)}`;
  return {
    redisSnapshot: window(at(1, '00'), at(2, '00')),
    databaseBackup: window(at(2, '00'), at(2, '45')),
    databaseMaintenance: window(onDay(3, '00'), onDay(3, '45')),
    redisMaintenance: window(onDay(4, '00'), onDay(5, '00')),
  };
}

function utcHour(region: string, localHour: number): number {
  return (localHour - hoursAhead(region) + 24) % 24;
}

function hoursAhead(region: string): number {
  const parts = region.split('-');
  const names = parts.map((_, index) => parts.slice(0, parts.length - index).join('-'));
  return names.map((name) => HOURS_AHEAD[name]).find((hours) => hours !== undefined) ?? 0;
}
