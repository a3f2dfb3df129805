import type { Library } from '../library/library';
import { Discard, handle } from '../tasks';
import type { TaskHandler } from '../tasks';
import { CODE_MINUTES, hashCode, newCode } from './code';
import { addCode, contactThatWaits } from './contact-store';
import type { Messenger } from './messenger';
import { sendCode } from './send-code.task';

export interface SendCodeDependencies {
  readonly messenger: Messenger;
  readonly library: Pick<Library, 'name'>;
}

/**
 * The rule: a code that may have reached somebody is valid. Each attempt makes a code of its own, commits its hash, and
 * only then sends it; the code itself is kept nowhere. Hashes of earlier attempts stay beside it, so when nobody knows
 * whether an earlier message went out, the reader may type the code of either. A hash whose message was never sent opens
 * nothing, because nobody knows its code.
 *
 * Therefore the outcome of a lost call is met by `repeat`: a second code does little harm, while without one the reader
 * waits for nothing, and nobody would look at a parked task in time.
 */
export function sendCodeHandler({ messenger, library }: SendCodeDependencies): TaskHandler {
  return handle(sendCode, async ({ payload: { contactId }, external, transaction }) => {
    const code = newCode();
    const hash = await hashCode(contactId, code);
    const contact = await transaction(async (tx) => {
      const waiting = await contactThatWaits(tx, contactId);
      if (waiting !== undefined) await addCode(tx, contactId, hash);
      return waiting;
    });
    if (contact === undefined) throw new Discard('nobody waits for this code any more');
    await external('code', { onUnknown: 'repeat' }, ({ idempotencyKey, signal }) =>
      messenger.send(
        {
          channel: contact.channel,
          address: contact.address,
          // Not in the subject: telephones show subjects on their locked screens.
          subject: `${library.name}: your code`,
          text: `${code} is your code for ${library.name}. It is valid for ${CODE_MINUTES} minutes. If you did not ask for it, do nothing.`,
          // A code that is sent again is another mail.
          key: `${idempotencyKey}:${hash.toString('hex')}`,
        },
        { signal },
      ),
    );
  });
}
