import { Settling } from '../../../lib/operations/secrets/until-available';

const SETTLE_MS = 30_000;
const available = { status: 'available', isPending: false };

describe('a modification is over', () => {
  it('not by an `available` of before it', () => {
    expect(new Settling(SETTLE_MS).isOver(available, 250)).toBe(false);
  });

  it('when the server was modifying and is available', () => {
    const settling = new Settling(SETTLE_MS);
    expect(settling.isOver(available, 250)).toBe(false);
    expect(settling.isOver({ status: 'modifying', isPending: true }, 750)).toBe(false);
    expect(settling.isOver(available, 1_750)).toBe(true);
  });

  it('when it has been available for long enough', () => {
    expect(new Settling(SETTLE_MS).isOver(available, SETTLE_MS)).toBe(true);
  });

  it('not while it is pending', () => {
    const settling = new Settling(SETTLE_MS);
    expect(settling.isOver({ status: 'available', isPending: true }, SETTLE_MS)).toBe(false);
    expect(settling.isOver(available, SETTLE_MS + 1)).toBe(true);
  });
});
