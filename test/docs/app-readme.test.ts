import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '..', '..');

/** The files that app/README.md writes: its code blocks whose first line names one. */
function examples(): ReadonlyMap<string, string> {
  const page = readFileSync(join(ROOT, 'app', 'README.md'), 'utf8');
  const blocks = page.matchAll(/```tsx?\n\/\/ (app\/\S+)\n([^]*?)```/g);
  return new Map([...blocks].map(([, path = '', code = '']) => [join(ROOT, path), code]));
}

/** As if they stood where the page says. */
function mistakesIn(files: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  host.readFile = (path) => files.get(path) ?? ts.sys.readFile(path);
  host.fileExists = (path) => files.has(path) || ts.sys.fileExists(path);
  host.directoryExists = (path) =>
    ts.sys.directoryExists(path) || [...files.keys()].some((file) => file.startsWith(path));
  const program = ts.createProgram([...files.keys()], { ...options, noEmit: true }, host);
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
  });
}

test('the lending desk of app/README.md compiles against the app as it is', () => {
  const files = examples();
  expect([...files.keys()].map((path) => path.split('/').at(-1))).toEqual([
    'remind.task.ts',
    'remind.handler.ts',
    'due.task.ts',
    'loans.routes.ts',
    'loans.pages.tsx',
    'loans.test.ts',
  ]);
  expect(mistakesIn(files)).toEqual([]);
  expect(
    mistakesIn(new Map([[join(ROOT, 'app', 'src', 'loans', 'wrong.ts'), 'export const n: number = "";']])),
  ).toEqual([expect.stringContaining("Type 'string' is not assignable to type 'number'")]);
}, 180_000);
