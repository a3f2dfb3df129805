import { instanceType, sizesOf } from './instance-types';
import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';
import type { StageFindings, StageWarning } from './warnings';

/** Families that RDS for PostgreSQL offers of those known here. Source: RDS guide, "DB instance class types". */
const RDS_FAMILIES: readonly string[] = ['t3', 't4g', 'm5', 'm6g', 'm6i', 'm7g', 'm7i', 'r6g', 'r6i', 'r7g', 'r7i'];
/** Sizes that RDS does not offer. */
const NOT_ON_RDS: readonly string[] = ['nano'];
const NOT_AS_MEDIUM: readonly string[] = ['m6g', 'm7g', 'r6g', 'r7g'];

/** Growth that RDS's storage autoscaling needs at least. Source: RDS guide, "Managing capacity automatically". */
const LEAST_GROWTH = 1.1;

/**
 * Names that RDS for PostgreSQL keeps for itself or that exist on each server. `postgres` is RDS's own default for both.
 * Source: RDS guide, "Understanding PostgreSQL roles and permissions"; CreateDBInstance, MasterUsername and DBName:
 * "can't be a reserved word".
 */
const RESERVED_USERS: readonly string[] = ['admin', 'public', 'none'];
const RESERVED_DATABASES: readonly string[] = ['db', 'template0', 'template1'];
/** Roles of the server begin with pg_, those of RDS with rds. */
const RESERVED_PREFIX = /^(pg_|rds)/;
/** Source: PostgreSQL documentation, "SQL Key Words", those reserved, functions and types excepted. */
const RESERVED_WORDS: readonly string[] = (
  'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create ' +
  'current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc ' +
  'distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral ' +
  'leading limit localtime localtimestamp not null offset on only or order placing primary references returning ' +
  'select session_user some symmetric system_user table then to trailing true union unique user using variadic when ' +
  'where window with'
).split(' ');

/** Rules between the values of the database. */
export function checkDatabase({ database, like }: StageConfiguration, locate: Locate): StageFindings {
  if ('existing' in database) return { mistakes: [], warnings: [] };
  const { instanceClass, storageGiB, maxStorageGiB, name, user, multiAz } = database;
  const mistakes: string[] = [];
  const at = (key: string) => locate('database', key);
  if (!isRdsClass(instanceClass)) {
    mistakes.push(
      `${at('instanceClass')} is "${instanceClass}"; allowed is one of the families ${RDS_FAMILIES.join(', ')} in a size that RDS has (micro to 2xlarge for t, large to 8xlarge): take one of them, or add it to lib/config/instance-types.ts.`,
    );
  }
  const least = Math.ceil(Math.round(storageGiB * LEAST_GROWTH * 100) / 100);
  if (maxStorageGiB < least) {
    mistakes.push(
      `${at('maxStorageGiB')} is ${maxStorageGiB} with storageGiB ${storageGiB}; allowed is at least ${least}, a tenth more: raise it.`,
    );
  }
  const refuseReserved = (key: 'user' | 'name', value: string, own: readonly string[]) => {
    if (!RESERVED_PREFIX.test(value) && !own.includes(value) && !RESERVED_WORDS.includes(value)) return;
    mistakes.push(
      `${at(key)} is "${value}"; allowed is a name that neither RDS nor PostgreSQL keeps for itself: rename it.`,
    );
  };
  refuseReserved('user', user, RESERVED_USERS);
  refuseReserved('name', name, RESERVED_DATABASES);
  const warnings: StageWarning[] =
    like === 'production' && !multiAz
      ? [
          {
            id: 'holdfast:single-zone-database',
            text: `${at('multiAz')} is false: while its zone is away nothing is accepted, and what it had not yet backed up can be lost; set it true.`,
          },
        ]
      : [];
  return { mistakes, warnings };
}

/** Whether RDS for PostgreSQL has the class and it is known here. */
export function isRdsClass(name: string): boolean {
  const type = instanceType(name);
  if (type === undefined || !RDS_FAMILIES.includes(type.family) || NOT_ON_RDS.includes(type.size)) return false;
  return type.size !== 'medium' || !NOT_AS_MEDIUM.includes(type.family);
}

/** Classes of a family that RDS offers, from small to large. */
export function rdsClassesOf(family: string): readonly string[] {
  return sizesOf(family)
    .map((size) => `${family}.${size}`)
    .filter(isRdsClass);
}
