/** A file of which no poster can be made, however often it is tried; the message is for whoever uploaded it. */
export class MalformedImageError extends Error {
  override readonly name = 'MalformedImageError';
}
