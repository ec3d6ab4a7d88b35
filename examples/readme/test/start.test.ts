import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examples, startable } from '../src/startable.ts';

test.each(startable)(
  'the README of the example $name says how it is started',
  ({ name, scripts }) => {
    expect(scripts.prestart).toBe('node ../../tooling/run.mjs install');
    expect(readFileSync(join(examples, name, 'README.md'), 'utf8')).toContain('npm start');
  },
);
