/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  // The image's build context that `npx cdk synth` copies has a package.json of the same name.
  modulePathIgnorePatterns: ['<rootDir>/cdk.out'],
  // Tests named *.engine.test.ts need a container engine and have commands of their own.
  testMatch: ['<rootDir>/{app/test,test}/**/*.test.ts', '!**/*.engine.test.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
    '^.+\\.tsx$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', tsx: true },
          transform: { react: { runtime: 'automatic', importSource: 'preact' } },
        },
      },
    ],
  },
  globalSetup: '<rootDir>/app/test/servers/global-setup.ts',
  globalTeardown: '<rootDir>/app/test/servers/global-teardown.ts',
  testTimeout: 60_000,
};
