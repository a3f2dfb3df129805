import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

/*
 * `npm test`: type check, linter and formatter side by side, then the tests; stops at the first that fails.
 * `npm test -- app/test/tasks` hands its arguments to jest and runs nothing else.
 * In CI (CI=true) a skipped test is a failure. The last line is "N passed, N failed, N skipped".
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (...path) => join(root, 'node_modules', ...path);

const checks = [
  { name: 'types', program: bin('typescript', 'bin', 'tsc'), arguments: ['--noEmit', '-p', 'tsconfig.json'] },
  { name: 'lint', program: bin('eslint', 'bin', 'eslint.js'), arguments: ['.', '--max-warnings', '0'] },
  {
    name: 'format',
    program: bin('prettier', 'bin', 'prettier.cjs'),
    arguments: ['--check', '.', '--log-level', 'warn'],
  },
];

/** The fault tests measure a whole system under load and get the machine for themselves. */
const FAULTS = 'test/survival';
const suites = [
  {
    name: 'tests',
    arguments: ['--maxWorkers=2', `--testPathIgnorePatterns=/node_modules/`, `--testPathIgnorePatterns=${FAULTS}/`],
  },
  { name: 'fault tests', arguments: ['--runInBand', '--passWithNoTests', FAULTS] },
];

let running = [];
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exitCode = 130;
  });
}

/** Runs a Node.js program; resolves with its exit code (1 for a signal), its output and its seconds. */
async function run(program, programArguments, stdio) {
  const start = performance.now();
  const child = spawn(process.execPath, [program, ...programArguments], { cwd: root, stdio: ['ignore', stdio, stdio] });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
  const status = await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  running = running.filter((each) => each !== child);
  return { status, output, seconds: ((performance.now() - start) / 1000).toFixed(1) };
}

function report(name, { status, seconds }) {
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds.padStart(6)} s`);
}

function stop(name) {
  console.error(`npm test stopped: ${name} failed.`);
  process.exit(process.exitCode || 1);
}

async function runChecks() {
  const results = await Promise.all(
    checks.map(async (check) => {
      const result = await run(check.program, check.arguments, 'pipe');
      report(check.name, result);
      return { ...check, ...result };
    }),
  );
  const failed = results.find(({ status }) => status !== 0);
  if (!failed) return;
  console.error(`\n${failed.output.trimEnd()}\n`);
  stop(failed.name);
}

/** Installs the Python programs that some tests use; without them these tests skip. */
function installPythonTools() {
  const { error, status } = spawnSync(join(root, 'scripts', 'python-tools.sh'), {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error || status !== 0) console.log('Tests that need cfn-lint or ministack will be skipped.');
}

/** Runs jest and adds what it counted to `total`; false when something failed. */
async function runJest(name, jestArguments, folder, total) {
  const file = join(folder, 'result.json');
  const result = await run(
    bin('jest', 'bin', 'jest.js'),
    ['--json', `--outputFile=${file}`, ...jestArguments],
    'inherit',
  );
  const counts = readCounts(file);
  total.passed += counts.numPassedTests;
  // A file that could not even be loaded has no tests to count.
  total.failed += counts.numFailedTests + counts.numRuntimeErrorTestSuites;
  total.skipped += counts.numPendingTests + counts.numTodoTests;
  rmSync(file, { force: true });
  report(name, result);
  return result.status === 0;
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0, numPendingTests: 0, numTodoTests: 0 };
  }
}

const given = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
const folder = mkdtempSync(join(tmpdir(), 'holdfast-result-'));
let passed = true;
if (given.length === 0) await runChecks();
installPythonTools();
for (const suite of given.length === 0 ? suites : [{ name: 'tests', arguments: given }]) {
  passed &&= await runJest(suite.name, suite.arguments, folder, total);
}
rmSync(folder, { recursive: true, force: true });
if (given.length === 0) {
  console.log('Not run, as it needs a container engine: the test of the image; run it with: npm run test:image');
}
if (process.env.CI === 'true' && total.skipped > 0) {
  console.error('A skipped test counts as failed in CI (CI=true); run it or remove it.');
  passed = false;
}
if (!passed) process.exitCode ||= 1;
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
