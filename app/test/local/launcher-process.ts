import { join } from 'node:path';
import { launch } from '../../local/launcher';

/* `npm start` with a folder of its own: the first word is the folder, the others are the launcher's options. */
const [folder = '', ...words] = process.argv.slice(2);
void launch({ root: join(__dirname, '../../..'), folder, words, environment: process.env });
