import { dirname } from 'node:path';
import { start } from '../lib/operations/start';

/* The operations command, `npx holdfast`; docs/operations.md describes it. */
start(dirname(__dirname));
