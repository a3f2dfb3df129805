/** What is wrong with a feed, which is its owner's to mend: no task of ours is dead for it. */
export class FeedError extends Error {
  override readonly name = 'FeedError';
  /**
   * @param message a predicate: `answered 500`
   * @param duration whether it may have passed when it is tried again in some seconds
   */
  constructor(
    message: string,
    readonly duration: 'passing' | 'lasting',
  ) {
    super(message);
  }
}
