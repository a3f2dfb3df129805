import { LaneOrder } from '../../../src/tasks/claiming/lane-order';

const priorities = (order: LaneOrder): number[] => order.next().map((lane) => lane.priority);

it('asks every lane of every queue once at each take', () => {
  const order = new LaneOrder([
    { name: 'a', weight: 1 },
    { name: 'b', weight: 2 },
  ]);
  for (let take = 0; take < 10; take += 1) {
    const lanes = order.next().map((lane) => `${lane.queue}${lane.priority}`);
    expect(lanes.sort()).toEqual(['a0', 'a1', 'a2', 'a3', 'b0', 'b1', 'b2', 'b3']);
  }
});

it('asks high before low, and low before high at every tenth take', () => {
  const order = new LaneOrder([{ name: 'a', weight: 1 }]);
  for (let take = 1; take <= 30; take += 1) {
    expect(priorities(order)).toEqual(take % 10 === 0 ? [3, 2, 1, 0] : [0, 1, 2, 3]);
  }
});

it('asks all queues of a priority before the next priority', () => {
  const order = new LaneOrder([
    { name: 'a', weight: 1 },
    { name: 'b', weight: 1 },
  ]);
  expect(priorities(order)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
});

it('asks queues first in proportion to their weights, without long runs of one of them', () => {
  const order = new LaneOrder([
    { name: 'a', weight: 5 },
    { name: 'b', weight: 2 },
    { name: 'c', weight: 1 },
  ]);
  const firsts = Array.from({ length: 80 }, () => order.next()).map(
    (lanes) => lanes.find((lane) => lane.priority === 0)!.queue,
  );
  const times = (queue: string): number => firsts.filter((first) => first === queue).length;
  expect([times('a'), times('b'), times('c')]).toEqual([50, 20, 10]);
  expect(firsts.join('')).not.toMatch(/a{5}/);
});
