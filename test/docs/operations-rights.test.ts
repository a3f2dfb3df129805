import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const [, section = ''] = readFileSync(join(root, 'docs', 'operations.md'), 'utf8').split('### Rights\n');
const said = new Set(
  [...(section.split(/^### /m)[0] ?? '').matchAll(/`([a-z]+:[A-Za-z]+)`/g)].map(([, action = '']) => action),
);

/** How IAM calls the services whose clients have other names. */
const PREFIXES: Readonly<Record<string, string>> = {
  'cloudwatch-logs': 'logs',
  'secrets-manager': 'secretsmanager',
  'service-quotas': 'servicequotas',
};

/** IAM asks for these beside the call itself: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html */
const BESIDE_A_CALL = ['ecs:TagResource', 'iam:PassRole'];

/** What the commands' own code asks AWS for, as IAM names it. */
function asked(): Set<string> {
  const actions = new Set<string>();
  for (const file of readdirSync(join(root, 'lib', 'operations'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const source = readFileSync(join(root, 'lib', 'operations', file), 'utf8');
    for (const [, names = '', client = ''] of source.matchAll(
      /import \{([^}]+)\} from '@aws-sdk\/client-([a-z-]+)'/g,
    )) {
      for (const [, command, pages] of names.matchAll(/\b(?:([A-Z]\w+)Command|paginate([A-Z]\w+))\b/g)) {
        actions.add(`${PREFIXES[client] ?? client}:${command ?? pages}`);
      }
    }
  }
  return actions;
}

test('docs/operations.md names every right that the commands need, and no other', () => {
  const needed = [...asked(), ...BESIDE_A_CALL].sort();
  expect(needed.length).toBeGreaterThan(40);
  expect([...said].sort()).toEqual(needed);
});
