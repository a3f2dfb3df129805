import { PassThrough } from 'node:stream';
import { EXIT } from '../../../lib/operations/exit-codes';
import { Terminal } from '../../../lib/operations/output/terminal';

const CTRL_D = '\u0004';
const PROMPT = /\[y\/N\] |\(not shown\): |again: /;

/** A terminal at which a person presses the keys, one lot for each question. */
function terminalOf(...keys: readonly string[]): { readonly terminal: Terminal; readonly shown: () => string } {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const errors = new PassThrough();
  const left = [...keys];
  let shown = '';
  errors.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (PROMPT.test(chunk.toString())) setImmediate(() => input.write(left.shift() ?? ''));
  });
  const terminal = new Terminal({
    ...{ input, output: new PassThrough(), errors, json: false, yes: false, color: false },
    signal: new AbortController().signal,
  });
  return { terminal, shown: () => shown };
}

describe('a question', () => {
  it('is answered with yes', async () => {
    const { terminal, shown } = terminalOf('y\r');
    await expect(terminal.confirm('Replace all?')).resolves.toBeUndefined();
    expect(shown()).toContain('Replace all? [y/N] ');
  });

  it.each([
    ['no', 'n\r'],
    ['Ctrl-D', CTRL_D],
  ])('is not answered with yes by %s', async (_, keys) => {
    const { terminal } = terminalOf(keys);
    await expect(terminal.confirm('Replace all?')).rejects.toMatchObject({
      exitCode: EXIT.found,
      message: 'Nothing was changed: the question was not answered with yes.',
    });
  });

  it('leaves its line at Ctrl-D', async () => {
    const { terminal, shown } = terminalOf(CTRL_D);
    await terminal.confirm('Replace all?').catch(() => undefined);
    expect(shown()).toMatch(/\[y\/N\] [^\n]*\n$/);
  });
});

describe('a hidden value', () => {
  it('is read twice and not shown', async () => {
    const { terminal, shown } = terminalOf('hidden\r', 'hidden\r');
    await expect(terminal.readSecret('token')).resolves.toBe('hidden');
    expect(shown()).not.toContain('hidden');
  });

  it('is empty after Ctrl-D', async () => {
    const { terminal } = terminalOf(CTRL_D, CTRL_D);
    await expect(terminal.readSecret('token')).resolves.toBe('');
  });
});
