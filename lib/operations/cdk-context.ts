import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The texts of the context in the project's cdk.json, which `npx cdk` takes too; none where it cannot be read. */
export function cdkContext(root: string): Readonly<Partial<Record<string, string>>> {
  try {
    const { context = {} } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as {
      readonly context?: Readonly<Record<string, unknown>>;
    };
    return Object.fromEntries(
      Object.entries(context).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {};
  }
}
