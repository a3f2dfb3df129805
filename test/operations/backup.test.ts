import { snapshotId } from '../../lib/operations/backup/snapshot-id';

const at = new Date('2026-11-27T16:50:01.234Z');

describe('the id of a snapshot', () => {
  it('names stage and second', () => {
    expect(snapshotId({ name: 'shop', stage: 'test' }, at)).toBe('shop-test-20261127-165001');
  });

  it.each([
    ['a-rather-long-name-of-an-app', 'production', 'a-rather-long-name-of-an-20261127-165001'],
    ['a-name-with-a-hyphen-ri', 'production', 'a-name-with-a-hyphen-ri-20261127-165001'],
  ])('of %s fits what ElastiCache takes', (name, stage, expected) => {
    const id = snapshotId({ name, stage }, at);
    expect(id).toBe(expected);
    expect(id.length).toBeLessThanOrEqual(40);
  });
});
