import { join } from 'node:path';
import { LOCAL_RUN } from '../src/contract';
import { launch } from './launcher';

/* What `npm start` runs. */
const root = join(__dirname, '../..');

void launch({ root, folder: join(root, LOCAL_RUN.folder), words: process.argv.slice(2), environment: process.env });
