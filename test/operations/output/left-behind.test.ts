import { PassThrough } from 'node:stream';
import { DeploymentError } from '../../../lib/operations/aws/deployments';
import { AwsError } from '../../../lib/operations/aws/told-error';
import { EXIT } from '../../../lib/operations/exit-codes';
import type { OperationsError } from '../../../lib/operations/exit-codes';
import { Terminal } from '../../../lib/operations/output/terminal';
import type { LeftBehind } from '../../../lib/operations/output/terminal';

const expired = new AwsError(EXIT.credentials, 'They have expired.', 'ExpiredToken', undefined);
const takenBack = new DeploymentError('web', 'an alarm');
const goesOn: LeftBehind = { goesOn: 'it goes on.' };
const unfinished: LeftBehind = { unfinished: 'do it again.' };

/** What a command ends with whose work ends with `error`. */
async function ended(error: unknown, left: LeftBehind, signal = new AbortController().signal): Promise<unknown> {
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const terminal = new Terminal({ input, output, errors, signal, json: false, yes: false, color: false });
  return terminal.during('Waiting', () => Promise.reject(error as Error), left).catch((thrown: unknown) => thrown);
}

describe('what ends in the middle', () => {
  it('says what goes on when AWS refuses to say more, and stays that error', async () => {
    expect(await ended(expired, goesOn)).toMatchObject({
      ...{ message: 'They have expired. It goes on.', exitCode: EXIT.credentials, code: 'ExpiredToken' },
    });
  });

  it('does not say that a deployment goes on which has failed', async () => {
    expect(await ended(takenBack, goesOn)).toBe(takenBack);
  });

  it('says what is still to be done, whatever ended it', async () => {
    for (const error of [expired, takenBack]) {
      const told = (await ended(error, unfinished)) as OperationsError;
      expect(told).toMatchObject({ message: `${error.message} Do it again.`, exitCode: error.exitCode });
    }
  });

  it('says so after Ctrl-C too', async () => {
    const signal = AbortSignal.abort();
    for (const left of [goesOn, unfinished]) {
      expect(await ended(signal.reason, left, signal)).toMatchObject({
        message: `Interrupted: ${left.goesOn ?? left.unfinished}`,
        exitCode: EXIT.interrupted,
      });
    }
  });

  it('leaves alone what leaves nothing behind, and mistakes of the command itself', async () => {
    const mistake = new TypeError('no such thing');
    expect(await ended(expired, {})).toBe(expired);
    expect(await ended(mistake, unfinished)).toBe(mistake);
  });
});
