#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/* `npx holdfast`: npm runs the bin of the project's own package.json. TypeScript is read by tsx, as for `npx cdk`. */
if (!existsSync(join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules', 'tsx'))) {
  console.error('The dependencies are not installed: run npm ci in the project, then do it again.');
  process.exit(2);
}
// The SDK's versions are pinned, and engines of package.json says which Node.js they run on.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
await import('tsx');
await import('./holdfast.ts');
