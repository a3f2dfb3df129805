import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Reads one `.sql` file of named statements: each begins with a line `-- name: <name>` and ends before the next. A line
 * `-- include: <file>` stands for what that file beside it holds, which several statements share.
 * @throws Error when the file lacks one of `names` or holds one that nobody asked for.
 */
export function loadStatements<const Name extends string>(
  directory: string,
  file: string,
  names: readonly Name[],
): Readonly<Record<Name, string>> {
  const text = readFileSync(join(directory, file), 'utf8').replaceAll(/^-- include: (\S+)$/gm, (_, part: string) =>
    readFileSync(join(directory, part), 'utf8').trim(),
  );
  const statements = splitStatements(text);
  const missing = names.filter((name) => !statements.has(name));
  const unknown = [...statements.keys()].filter((name) => !names.some((known) => known === name));
  if (missing.length > 0 || unknown.length > 0) {
    throw new Error(`${file}: missing statements [${missing.join(', ')}], unused statements [${unknown.join(', ')}]`);
  }
  return Object.fromEntries(statements) as Record<Name, string>;
}

/** The statements of such a text by their names, in their order. */
export function splitStatements(text: string): Map<string, string> {
  const statements = new Map<string, string>();
  const parts = text.split(/^-- name: (\S+)\n/m);
  for (let i = 1; i < parts.length; i += 2) statements.set(parts[i] ?? '', (parts[i + 1] ?? '').trim());
  return statements;
}
