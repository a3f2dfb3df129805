import { join } from 'node:path';
import ts from 'typescript';
import { defineConfiguration } from '../../lib/config';
import { shop } from './shop';

/*
 * Mistakes that the compiler tells: each `@ts-expect-error` fails the type check when its line has no error any more.
 */
export const typos = [
  // @ts-expect-error a configuration needs a name
  defineConfiguration({ stages: {} }),
  // @ts-expect-error and stages
  defineConfiguration({ name: 'shop' }),
  // @ts-expect-error unknown key
  defineConfiguration({ ...shop, nmae: 'shop' }),
  // @ts-expect-error a region stands in a stage
  defineConfiguration({ ...shop, region: 'us-east-1' }),
  // @ts-expect-error unknown key of a stage
  defineConfiguration({ ...shop, stages: { production: { regoin: 'us-east-1' } } }),
  // @ts-expect-error unknown preset
  defineConfiguration({ ...shop, stages: { production: { like: 'staging' } } }),
  // @ts-expect-error unknown key of a process
  defineConfiguration({ ...shop, web: { memory: 512 } }),
  // @ts-expect-error unknown key inside a worker kind
  defineConfiguration({ ...shop, workers: { default: { scaling: { minimum: 1 } } } }),
  // @ts-expect-error a number as text
  defineConfiguration({ ...shop, fleet: { max: '6' } }),
  // @ts-expect-error a command in shell form
  defineConfiguration({ ...shop, migration: { command: 'migrate' } }),
  // @ts-expect-error an engine that does not exist
  defineConfiguration({ ...shop, taskEngine: 'sidekiq' }),
  // @ts-expect-error a retention that CloudWatch does not offer
  defineConfiguration({ ...shop, logRetentionDays: 10 }),
  // @ts-expect-error a warning that does not exist
  defineConfiguration({ ...shop, acknowledge: { 'holdfast:http': 'It is only for colleagues.' } }),
  // @ts-expect-error an unknown key of Redis
  defineConfiguration({ ...shop, redis: { queue: { replica: 1 } } }),
  // @ts-expect-error a cache that is neither shared nor a node
  defineConfiguration({ ...shop, redis: { cache: 'none' } }),
];

const SOURCE = `
import { defineConfiguration } from '../../lib/config';
defineConfiguration({
  name: 'shop',
  web: { requestSeconds: 30, memoryMiB: 512 },
  workers: { default: { onDrain: 'finish', scaling: { backlogPerWorker: 10 } } },
  redis: { queue: { durability: 'sync' } },
  network: { natGateways: 1 },
  acknowledge: { 'holdfast:http-only': 'Only colleagues reach it.' },
  stages: { production: { like: 'production', budgetUsdPerMonth: 200 } },
});
`;

/** What an editor shows over each of the keys of SOURCE. */
function documentationOf(keys: readonly string[]): Record<string, string> {
  const root = join(__dirname, '..', '..');
  const file = join(__dirname, 'hover.ts');
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const service = ts.createLanguageService({
    getCompilationSettings: () => ({ ...options, types: ['node'] }),
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (path) => {
      const text = path === file ? SOURCE : ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (each) => ts.getDefaultLibFilePath(each),
    fileExists: (path) => path === file || ts.sys.fileExists(path),
    readFile: (path) => (path === file ? SOURCE : ts.sys.readFile(path)),
    directoryExists: (path) => ts.sys.directoryExists(path),
    getDirectories: (path) => ts.sys.getDirectories(path),
  });
  return Object.fromEntries(
    keys.map((key) => {
      const info = service.getQuickInfoAtPosition(file, SOURCE.indexOf(`${key}:`) + 1);
      return [key, ts.displayPartsToString(info?.documentation)];
    }),
  );
}

test('an editor shows what a key means, through presets, stages and alternatives', () => {
  const shown = documentationOf([
    'name',
    'requestSeconds',
    'memoryMiB',
    'onDrain',
    'backlogPerWorker',
    'durability',
    'natGateways',
    "'holdfast:http-only'",
    'like',
    'budgetUsdPerMonth',
  ]);
  expect(shown).toMatchObject({
    name: 'Name of the app; with the stage it names the stacks and what they hold.',
    "'holdfast:http-only'": 'The load balancer answers without TLS.',
    budgetUsdPerMonth: 'The synth fails when the estimate exceeds this.',
  });
  expect(shown['requestSeconds']).toContain(
    "The longest that a request may take, in seconds; the load balancer's drain waits for it.",
  );
  expect(Object.entries(shown).filter(([, text]) => text === '')).toEqual([]);
});
