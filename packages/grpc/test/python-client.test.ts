import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { secure } from '@apisec/grpc';
import { expect, test } from 'vitest';
import { everyKind, gate, recorder } from './guards.ts';
import { echo, openShop } from './shop.ts';

const run = promisify(execFile);
/** Debian's, for which `python3-grpcio` is; another Python may come first in the path. */
const python = ['/usr/bin/python3', 'python3'].find(
  (each) => spawnSync(each, ['-c', 'import grpc']).status === 0,
);
const mustHave = process.env['APISEC_REQUIRE_SERVICES'] === '1';

interface Outcome {
  readonly name: string;
  readonly code: string;
  readonly answers?: readonly string[];
  readonly details?: string;
  readonly status?: string;
}

test.skipIf(python === undefined && !mustHave)(
  'the client of gRPC in C gets answers, and is denied, in every kind of call',
  async () => {
    if (python === undefined) throw new Error('python3-grpcio is missing: apt-get install it');
    const { completions, onComplete } = recorder();
    const methods = everyKind(gate({}, { always: { onComplete } }));
    const { port } = await openShop([secure({ methods, limits: { maxMessageBytes: 1_000 } })], {
      Get: (call, callback) => {
        if (call.request.text !== 'wait') echo.Get(call, callback);
      },
    });
    const { stdout } = await run(python, [join(import.meta.dirname, 'client.py'), String(port)], {
      timeout: 25_000,
    });
    const outcomes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome);
    const of = (name: string) => outcomes.find((outcome) => outcome.name === name);

    const answers = { Get: ['tea'], Collect: ['a,b'], List: ['tea', 'tea'], Chat: ['a', 'b'] };
    for (const [name, texts] of Object.entries(answers)) {
      expect(of(name)).toEqual({ name, code: 'OK', answers: texts });
      const denied = of(`${name} without a key`);
      expect([denied?.code, denied?.details]).toEqual(['UNAUTHENTICATED', 'A key is needed.']);
      expect(denied?.status).toContain('google.rpc.ErrorInfo');
      expect(denied?.status).toContain('key.missing');
    }
    expect(of('twice')?.code, 'a header that is there twice is seen as that').toBe(
      'UNAUTHENTICATED',
    );
    expect(of('unknown')?.code).toMatch(/PERMISSION_DENIED|UNIMPLEMENTED/);
    expect(of('large')?.code).toBe('RESOURCE_EXHAUSTED');
    expect(of('slow')?.code).toBe('DEADLINE_EXCEEDED');
    const ended = () => completions.map(({ outcome, status }) => `${outcome} ${status}`).toSorted();
    await expect.poll(ended).toEqual([
      // Its deadline may end the call on either side first.
      expect.stringMatching(/^aborted [14]$/),
      ...Array.from({ length: 5 }, () => 'denied 16'),
      'denied 8',
      ...Array.from({ length: 4 }, () => 'succeeded 0'),
    ]);
  },
);
