const { modulePathIgnorePatterns, transform } = require('../../jest.config.js');

/** The tests that need a container engine; `npm test` leaves them out. @type {import('jest').Config} */
module.exports = {
  rootDir: '../..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/image/*.engine.test.ts'],
  modulePathIgnorePatterns,
  transform,
  globalSetup: '<rootDir>/test/image/build-image.ts',
  testTimeout: 120_000,
};
