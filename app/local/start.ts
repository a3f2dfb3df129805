import { join } from 'node:path';
import { launch } from './launcher';

/* What `npm start` runs. */
const root = join(__dirname, '../..');

void launch({ root, folder: join(root, '.holdfast'), words: process.argv.slice(2), environment: process.env });
