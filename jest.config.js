/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{app/test,test}/**/*.test.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  globalSetup: '<rootDir>/app/test/servers/global-setup.ts',
  globalTeardown: '<rootDir>/app/test/servers/global-teardown.ts',
  testTimeout: 60_000,
};
