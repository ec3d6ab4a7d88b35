// Compilers and runners of tests that docs/requirements.md names, as they are installed.

export const COMPILERS = {
  ts57: 'npm:typescript@5.7.3',
  ts59: 'npm:typescript@5.9.3',
  ts60: 'npm:typescript@6.0.3',
  ts70: 'npm:typescript@7.0.2',
};

export const RUNNERS = { vitest: '^4', jest: '^29' };
