import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { refusalOf, requireCredentials } from './aws-refusal';
import { unsubscribeHeaders } from './mailer';
import type { Mail, Mailer } from './mailer';

const CONNECT_MS = 5_000;
const ANSWER_MS = 15_000;

/**
 * Answers that another attempt does not change.
 * https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
 */
const FOR_GOOD = ['MessageRejected', 'BadRequestException', 'MailFromDomainNotVerifiedException'];

/**
 * Mail through Amazon SES. The role needs ses:SendEmail on the identity of the sender's domain. SES knows no idempotency
 * key, so the SDK must not try again by itself: whoever sends decides that.
 */
export class SesMailer implements Mailer {
  private readonly client: SESv2Client;

  /** @param from an address, or `Name <address>` */
  constructor(
    region: string,
    private readonly from: string,
  ) {
    const requestHandler = { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true };
    this.client = new SESv2Client({ region, maxAttempts: 1, requestHandler });
  }

  async send(mail: Mail, { signal }: { readonly signal: AbortSignal }): Promise<string> {
    const Headers = Object.entries(unsubscribeHeaders(mail)).map(([Name, Value]) => ({ Name, Value }));
    const command = new SendEmailCommand({
      FromEmailAddress: this.from,
      Destination: { ToAddresses: [mail.to] },
      Content: {
        Simple: {
          Subject: { Data: mail.subject, Charset: 'UTF-8' },
          Body: { Text: { Data: mail.text, Charset: 'UTF-8' } },
          ...(Headers.length > 0 && { Headers }),
        },
      },
    });
    await requireCredentials(this.client);
    try {
      const { MessageId } = await this.client.send(command, { abortSignal: signal });
      return MessageId ?? '';
    } catch (error) {
      throw refusalOf(error, {
        ...{ service: 'Amazon SES', forGood: FOR_GOOD },
        addresses: { to: mail.to, from: this.from },
      });
    }
  }
}
