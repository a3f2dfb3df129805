import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const JEST = join(__dirname, '../../../node_modules/jest/bin/jest.js');

/** As `jest --json` reports. */
interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Words of Jest that say that something was compared and differs, as opposed to an error or a time-out. */
const ASSERTION = /^(?:Error: )?expect\(/;

export interface EngineTest {
  /** From app/test on. */
  readonly file: string;
  /** The whole name of the test, with that of what it is described in. */
  readonly name: string;
}

export interface TestResult {
  /** What was compared and differs: empty when the test passed. */
  readonly differences: readonly string[];
  /** Other failures, which prove nothing. */
  readonly troubles: readonly string[];
}

/**
 * Runs one test of the engine in a build that was made `WITH_TESTS`.
 * @throws Error when it has no such test, or does not begin.
 */
export async function runEngineTest(folder: string, { file, name }: EngineTest): Promise<TestResult> {
  const output = join(folder, 'jest.json');
  const words = ['--json', '--outputFile', output, '--rootDir', folder, '--runTestsByPath', join('app/test', file)];
  await jest(folder, [...words, '--testNamePattern', `^${name.replaceAll(/[^\w\s]/g, '\\$&')}$`]);
  const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as Report;
  const ran = testResults.flatMap(({ assertionResults }) => assertionResults).filter((each) => each.fullName === name);
  if (ran.length === 0) {
    const why = testResults.map(({ message }) => stripVTControlCharacters(message)).join('\n');
    throw new Error(`app/test/${file} has not run "${name}" ${why}`.trim());
  }
  const messages = ran.flatMap(({ failureMessages }) => failureMessages).map(stripVTControlCharacters);
  return {
    differences: messages.filter((message) => ASSERTION.test(message)).map(difference),
    troubles: messages.filter((message) => !ASSERTION.test(message)).map((message) => message.split('\n')[0] ?? ''),
  };
}

/** Resolves when it has ended, however: a failing test is an answer. */
function jest(folder: string, words: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    execFile(process.execPath, [JEST, ...words], { cwd: folder }, () => resolve());
  });
}

/** The comparison without its stack, in one line. */
function difference(message: string): string {
  const [comparison = ''] = message.split(/\n\s+at /);
  return comparison.replaceAll(/\s+/g, ' ').trim();
}
