import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readContext } from '../../lib/deployment-context';
import { readDeployment } from '../../lib/deployment-file';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('a configuration file', () => {
  test.each<[string, string, string]>([
    [
      'without a default export',
      'export const name = "shop";',
      'exports no default; allowed is an object: write export default defineConfiguration({ … }).',
    ],
    [
      'with null as default',
      'export default null;',
      'exports null as default; allowed is an object: write export default defineConfiguration({ … }).',
    ],
    [
      'that exports nothing',
      '',
      'exports no default; allowed is an object: write export default defineConfiguration({ … }).',
    ],
    [
      'with another customize than a function',
      'export default { name: "shop" }; export const customize = "x";',
      'exports a string as customize; allowed is a function: write export function customize(stacks, stage) { … }.',
    ],
    [
      'with a mistyped customize',
      'export default { name: "shop" }; export function customise() {}',
      'exports "customise"; allowed are default and customize: rename it to customize.',
    ],
    [
      'that throws',
      'const a = 1;\nexport default { name: missing };',
      'cannot be read: ReferenceError: missing is not defined',
    ],
  ])('%s is refused', async (what, content, sentence) => {
    const file = written(`${what.replaceAll(' ', '-')}.ts`, content);
    await expect(readDeployment(file)).rejects.toThrow(`The configuration has a mistake: ${file} ${sentence}`);
  });

  test('that is not there, is a folder or has no name is refused', async () => {
    const missing = join(folder, 'missing.ts');
    await expect(readDeployment(missing)).rejects.toThrow(
      `The configuration file is "${missing}", and there is no ${missing}; allowed is a file, relative to the folder that the command runs in: correct -c config=….`,
    );
    await expect(readDeployment(folder)).rejects.toThrow(
      `The configuration file is "${folder}", which is a folder; allowed is a file`,
    );
    await expect(readDeployment('')).rejects.toThrow(
      "The configuration file's name is empty; allowed is a file: pass -c config=holdfast.config.ts, or nothing.",
    );
  });

  test('gives its default and customize', async () => {
    const file = written('good.ts', 'export default { name: "shop" }; export function customize() {}');
    const deployment = await readDeployment(file);
    expect(deployment.default).toEqual({ name: 'shop' });
    expect(deployment.customize).toBeInstanceOf(Function);
  });
});

describe("the context of the CDK's command line", () => {
  test('names stage and file, with defaults', () => {
    expect(readContext({})).toEqual({ stage: 'dev', file: 'holdfast.config.ts' });
    expect(readContext({ stage: 'production', config: 'mine.ts', mine: 1, '@aws-cdk/core:x': true })).toEqual({
      stage: 'production',
      file: 'mine.ts',
    });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ satge: 'production' }, '-c has the key "satge"; allowed are stage and config: write -c stage=production.'],
    [{ Stage: 'production' }, '-c has the key "Stage"; allowed are stage and config: write -c stage=production.'],
    [{ confg: 'a.ts' }, '-c has the key "confg"; allowed are stage and config: write -c config=a.ts.'],
    [
      { stage: '' },
      '-c stage= is empty; allowed is a stage of the configuration: write -c stage=dev, or leave it out.',
    ],
    [{ stage: 3 }, "The context's stage is 3; allowed is text: write it in quotes."],
  ])('is refused as %j', (context, sentence) => {
    expect(() => readContext(context)).toThrow(sentence);
  });
});
