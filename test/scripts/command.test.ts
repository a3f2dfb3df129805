import { configurationOf, optionsOf } from '../../scripts/command';
import reference from '../../holdfast.config';
import { costDocument, savingsTable } from '../../scripts/cost/document';
import { whyNotDrawn } from '../../lib/operations/diagram/architecture';
import { VARIANTS } from '../stages/variants';

const PAGE = 'docs/cost.md';

describe('the options of npm run cost and npm run diagram', () => {
  test.each([
    [[], { config: 'holdfast.config.ts', out: PAGE }],
    [['--stage', 'dev'], { config: 'holdfast.config.ts', stage: 'dev' }],
    [['--config=mine.ts', '--out', 'mine.md'], { config: 'mine.ts', out: 'mine.md' }],
    [['--help'], undefined],
  ])('are read from %j', (words, options) => {
    expect(optionsOf(words, PAGE)).toEqual(options);
  });

  test.each([
    [['--stag', 'dev'], 'The command has "--stag"; allowed are --config, --stage, --out, --help: write --stage.'],
    [['-h'], 'The command has "-h"; allowed are --config, --stage, --out, --help: leave it out.'],
    [['dev'], 'The command has "dev"; allowed are --config, --stage, --out, --help: leave it out.'],
    [['--stage'], '--stage has no value; allowed is one behind it: write --stage production.'],
  ])('are refused as %j', (words, sentence) => {
    expect(() => optionsOf(words, PAGE)).toThrow(sentence);
  });
});

test('a stage that there is not is named with those that there are', async () => {
  await expect(configurationOf({ config: 'holdfast.config.ts', stage: 'prod' })).rejects.toThrow(
    '--stage is "prod"; allowed is dev or production: write --stage production.',
  );
  await expect(configurationOf({ config: 'holdfast.config.ts' })).resolves.toMatchObject({ stage: 'production' });
});

describe('another configuration', () => {
  const existing = VARIANTS['existing'] ?? reference;

  test('saves only in what it has', () => {
    expect(savingsTable(existing)).not.toMatch(/natGateways|redis|multiAz/);
    expect(savingsTable(existing)).toContain('alarms.set');
    expect(savingsTable({ ...reference, taskEngine: 'celery' })).not.toContain('redis');
    expect(savingsTable({ ...existing, alarms: { set: 'essential' }, dashboard: false })).toBe(
      'Nothing: the stage has none of what could be left out.',
    );
  });

  test('is told apart from the reference on the page of the cost', () => {
    const live = { ...reference, stages: { live: { region: 'eu-central-1', fleet: { instanceType: 'm7g.large' } } } };
    const page = costDocument(live, { file: 'mine.ts', savingsOf: 'live' });
    expect(page).toContain('from `mine.ts` and');
    expect(page).toContain('In `live`, each alone');
    expect(page).toContain('The stage live stands in eu-central-1, of which there is no price list');
    expect(page).not.toContain('one-year commitment');
  });

  test('is drawn only where the picture shows what it has', () => {
    expect(whyNotDrawn(reference, 'production')).toBeUndefined();
    expect(whyNotDrawn(existing, 'production')).toBe(
      'The stage production has network.existing and database.existing and redis.existing; drawn are stages that make a network over two zones, a database and Redis: choose another with --stage.',
    );
    expect(whyNotDrawn(VARIANTS['three-zones'] ?? reference, 'production')).toBe(
      'The stage production has network.availabilityZones 3; drawn are stages that make a network over two zones, a database and Redis: choose another with --stage.',
    );
  });
});
