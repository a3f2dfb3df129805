import { quietHours } from '../../lib/stateful/quiet-hours';

test.each([
  ['us-east-1', '07:00-07:45', 'tue:08:00-tue:08:45', 'tue:09:00-tue:10:00'],
  ['us-west-2', '10:00-10:45', 'tue:11:00-tue:11:45', 'tue:12:00-tue:13:00'],
  ['eu-central-1', '01:00-01:45', 'tue:02:00-tue:02:45', 'tue:03:00-tue:04:00'],
  ['ap-northeast-2', '17:00-17:45', 'mon:18:00-mon:18:45', 'mon:19:00-mon:20:00'],
  ['ap-southeast-2', '16:00-16:45', 'mon:17:00-mon:17:45', 'mon:18:00-mon:19:00'],
  ['me-central-1', '23:00-23:45', 'tue:00:00-tue:00:45', 'tue:01:00-tue:02:00'],
  ['xx-new-1', '02:00-02:45', 'tue:03:00-tue:03:45', 'tue:04:00-tue:05:00'],
])('%s sleeps when backup and maintenance happen', (region, backup, database, redis) => {
  expect(quietHours(region)).toMatchObject({
    databaseBackup: backup,
    databaseMaintenance: database,
    redisMaintenance: redis,
  });
});
