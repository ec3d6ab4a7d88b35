import { answer, cases } from '../src/cases.ts';

// From jest itself, which has no types here.
declare const expect: (value: unknown) => { readonly toBe: (expected: unknown) => void };
declare const test: (name: string, run: () => Promise<void>) => void;

for (const [name, [token, expected]] of Object.entries(cases)) {
  test(name, async () => expect(await answer(await token())).toBe(expected));
}
