import type { Channel } from '../configuration/channels';
import { ADDRESS_LENGTH } from '../contacts/address';
import { Field } from '../pages/forms';
import type { FormState } from '../pages/forms';

export interface SignUpProps {
  readonly screeningId: string;
  /** At least one. */
  readonly channels: readonly Channel[];
  readonly form: FormState;
}

const NAMES: Readonly<Record<Channel, string>> = { email: 'E-mail', sms: 'Text message' };
const BOTH = {
  label: 'E-mail address or mobile number',
  hint: 'A number with its country, such as +49 151 23456789.',
  type: 'text',
} as const;
const FIELDS = {
  email: { label: 'E-mail address', type: 'email' },
  sms: { label: 'Mobile number', hint: BOTH.hint, type: 'tel' },
} as const;

/** The form in which readers ask to be reminded. */
export function SignUp({ screeningId, channels, form }: SignUpProps) {
  const [only] = channels;
  if (only === undefined) return null;
  const chosen = form.values['channel'] ?? only;
  const isUnchosen = form.errors['channel'] !== undefined;
  const field = channels.length === 1 ? FIELDS[only] : BOTH;
  return (
    <form method="post" action={`/screenings/${screeningId}/reminders`} class="card sign-up">
      <h2>Be reminded</h2>
      <p class="hint">One message on the day. First you get a code, which shows that the address is yours.</p>
      {channels.length === 1 ? (
        <input type="hidden" name="channel" value={only} />
      ) : (
        <fieldset class="choices" aria-describedby={isUnchosen ? 'channel-error' : undefined}>
          <legend>By</legend>
          {channels.map((channel) => (
            <label key={channel}>
              <input type="radio" name="channel" value={channel} checked={channel === chosen} required />
              {NAMES[channel]}
            </label>
          ))}
          {isUnchosen ? (
            <p class="error" id="channel-error">
              Choose one.
            </p>
          ) : null}
        </fieldset>
      )}
      <Field form={form} name="address" {...field} required maxLength={ADDRESS_LENGTH} />
      <button>Send me a code</button>
    </form>
  );
}
