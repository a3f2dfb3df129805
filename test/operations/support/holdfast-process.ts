import { start } from '../../../lib/operations/start';

/* `npx holdfast` of a project elsewhere: the first word is its folder, the others are the command's. */
const [root = ''] = process.argv.splice(2, 1);
start(root);
