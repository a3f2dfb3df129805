export interface Mail {
  /** One bare address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /**
   * Names this one mail over all attempts to send it. SMTP makes the Message-ID of it, by which many mail programs show a
   * repeated mail once; no receiver promises to.
   */
  readonly key: string;
  /**
   * Where a POST ends what the mail is about (RFC 8058), for the button that mail programs show.
   * @default - no such button
   */
  readonly unsubscribeUrl?: string;
}

export interface Mailer {
  /**
   * @returns the id under which the receiver knows the mail.
   * @throws NotSent when it was certainly not accepted, with a NonRetryable as its cause when it never will be. After any
   * other error nobody knows.
   */
  send(mail: Mail, options: { readonly signal: AbortSignal }): Promise<string>;
}

/** https://www.rfc-editor.org/rfc/rfc8058 */
export function unsubscribeHeaders({ unsubscribeUrl }: Mail): Record<string, string> {
  if (unsubscribeUrl === undefined) return {};
  return { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
}
