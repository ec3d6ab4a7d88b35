import { expect, onTestFinished, test, vi } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { Admission } from '../engine/admission.ts';
import { enforce } from '../engine/enforce.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { deny } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { type LogDenialsOptions, logDenials } from './log-denials.ts';

const facts: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: '192.0.2.7', id: '192.0.2.7' },
};
const wrongAudience = definePolicy({
  name: 'authenticateJwt',
  role: 'check',
  check: () =>
    deny('unauthenticated', 'token.audience_mismatch', {
      cause: { expected: 'https://api.example', given: ['https://other.example'] },
    }),
});

function logged(options: LogDenialsOptions = {}) {
  const lines: string[] = [];
  return { lines, policy: logDenials({ write: (line) => lines.push(line), ...options }) };
}

async function call(admission: Admission<CallFacts, object>) {
  const decision = await admission.check(new Request('https://a.example'), facts);
  enforce(decision).complete({ outcome: 'succeeded', status: decision.allowed ? 200 : 401 });
}

test('a denial is one line of JSON that says what was expected and what came', async () => {
  const { lines, policy } = logged({ now: () => 1_700_000_000_000 });
  await call(guard().use(policy).use(wrongAudience).use(allowAnonymous()));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 40,
    time: 1_700_000_000_000,
    msg: 'denied GET /orders: token.audience_mismatch by authenticateJwt',
    event: 'authn_login_fail',
    status: 401,
    peer: '192.0.2.7',
    cause: 'expected=https://api.example, given=[https://other.example]',
  });
});

test('a call that is let in is no line', async () => {
  const { lines, policy } = logged();
  await call(guard().use(policy).use(allowAnonymous()));
  expect(lines).toEqual([]);
});

test('a call that was denied in front of it is logged as one line too', async () => {
  const { lines, policy } = logged();
  await call(guard().use(wrongAudience).use(policy).use(allowAnonymous()));
  expect(lines).toHaveLength(1);
});

test('two of them in one guard write a line each, and deny nothing', async () => {
  const [one, two] = [logged(), logged()];
  await call(guard().use(one.policy).use(two.policy).use(wrongAudience).use(allowAnonymous()));
  expect([...one.lines, ...two.lines]).toHaveLength(2);
});

test('a flood of denials is bounded a second, and what was left out is counted', async () => {
  let now = 1_000;
  const { lines, policy } = logged({ maxPerSecond: 3, now: () => now });
  const admission = guard().use(policy).use(wrongAudience).use(allowAnonymous());
  for (let count = 0; count < 100; count++) await call(admission);
  expect(lines).toHaveLength(3);
  now += 1_000;
  await call(admission);
  expect(JSON.parse(lines[3] ?? '')).toMatchObject({ data: { notLogged: 97 } });
});

test('at most fifty lines a second stand on standard error where nothing else is said', async () => {
  const write = vi.spyOn(console, 'error').mockReturnValue(undefined);
  onTestFinished(() => write.mockRestore());
  const policy = logDenials({ now: () => 1_000 });
  const admission = guard().use(policy).use(wrongAudience).use(allowAnonymous());
  for (let count = 0; count < 60; count++) await call(admission);
  expect(write).toHaveBeenCalledTimes(50);
});

test('a writer that throws changes nothing for the caller', async () => {
  const policy = logDenials({
    write: () => {
      throw new Error('closed');
    },
  });
  await expect(call(guard().use(policy).use(wrongAudience).use(allowAnonymous()))).resolves.toBe(
    undefined,
  );
});

test.each([
  ['an unknown option', { logger: console }, '"logger" is not an option'],
  ['a writer that is none', { write: 'stderr' }, 'write must be a function'],
  ['no lines at all', { maxPerSecond: 0 }, 'maxPerSecond'],
])('cannot be constructed with %s', (_name, options, message) => {
  // @ts-expect-error what a JavaScript user could write
  expect(() => logDenials(options)).toThrow(message);
});
