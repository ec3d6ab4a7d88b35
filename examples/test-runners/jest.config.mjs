export default {
  testMatch: ['**/test/*.jest.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': './jest-transform.mjs' },
  // jest loads ES modules with `node --experimental-vm-modules`. Your project needs no condition: it loads what npm
  // gives.
  testEnvironmentOptions: { customExportConditions: ['@apisec/source', 'node', 'node-addons'] },
};
