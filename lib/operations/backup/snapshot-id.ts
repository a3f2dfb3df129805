/** ElastiCache API reference, "CreateSnapshot" and the guide's "Taking manual backups": 40 characters; RDS allows 255. */
const MOST_CHARACTERS = 40;

/** A name of the stage and the second, which RDS and ElastiCache take: a long name is cut, the time stays. */
export function snapshotId({ name, stage }: { readonly name: string; readonly stage: string }, at: Date): string {
  const time = at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const room = MOST_CHARACTERS - time.length - 1;
  // Neither takes two hyphens in a row.
  return `${`${name}-${stage}`.slice(0, room).replace(/-+$/, '')}-${time}`;
}
