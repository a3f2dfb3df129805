import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { refusalOf, requireCredentials } from '../mail/aws-refusal';
import type { Sms, SmsSender } from './sms-sender';

const CONNECT_MS = 5_000;
const ANSWER_MS = 15_000;

/** Answers that another attempt does not change: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const FOR_GOOD = ['InvalidParameterException', 'InvalidParameterValueException'];

/**
 * Text messages through Amazon SNS. The role needs sns:Publish to telephone numbers. SNS honours no idempotency key for
 * them, so the SDK must not try again by itself: whoever sends decides that.
 */
export class SnsSmsSender implements SmsSender {
  private readonly client: SNSClient;

  constructor(region: string) {
    const requestHandler = { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true };
    this.client = new SNSClient({ region, maxAttempts: 1, requestHandler });
  }

  async send({ to, text }: Sms, { signal }: { readonly signal: AbortSignal }): Promise<string> {
    const command = new PublishCommand({
      PhoneNumber: to,
      Message: text,
      // The carrier's most reliable way, for what somebody waits for.
      MessageAttributes: { 'AWS.SNS.SMS.SMSType': { DataType: 'String', StringValue: 'Transactional' } },
    });
    await requireCredentials(this.client);
    try {
      const { MessageId } = await this.client.send(command, { abortSignal: signal });
      return MessageId ?? '';
    } catch (error) {
      throw refusalOf(error, { service: 'Amazon SNS', forGood: FOR_GOOD, addresses: { to } });
    }
  }
}
