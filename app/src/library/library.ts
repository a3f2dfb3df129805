/** Whose app this is, and where and when it is read. */
export interface Library {
  readonly name: string;
  /** IANA zone of the dates on pages and in messages, for example `Europe/Berlin`. */
  readonly timeZone: string;
  /** Address of the app for its readers, without a slash at its end; messages link to it. */
  readonly publicUrl: string;
}
