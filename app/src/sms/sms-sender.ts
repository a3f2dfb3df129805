export interface Sms {
  /** E.164, such as +493012345678. */
  readonly to: string;
  readonly text: string;
  /** Names this one message over all attempts to send it, for receivers that can use it. */
  readonly key: string;
}

export interface SmsSender {
  /**
   * @returns the id under which the receiver knows the message.
   * @throws NotSent when it was certainly not accepted, with a NonRetryable as its cause when it never will be. After any
   * other error nobody knows.
   */
  send(sms: Sms, options: { readonly signal: AbortSignal }): Promise<string>;
}
