import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import reference from '../holdfast.config';
import { architectureSvg, synthesizeStacks } from './diagram/architecture';

/* `npm run diagram`: draws docs/architecture.svg from the templates of holdfast.config.ts's production. */
const file = join(__dirname, '..', 'docs', 'architecture.svg');
writeFileSync(file, architectureSvg(synthesizeStacks(reference, 'production')));
console.log('docs/architecture.svg');
