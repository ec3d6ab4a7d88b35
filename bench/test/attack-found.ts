import { main } from 'apisec';
import { expect } from 'vitest';

/** Runs `apisec attack` on an address of this machine; the attacks that got through, each with what it showed. */
export async function attackFound(
  url: string,
  token: string,
  options: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  let [out, err] = ['', ''];
  await main(['attack', url, '--i-own-this', '--json', '--token', token, ...options], {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  expect(err).toBe('');
  const { results } = JSON.parse(out) as {
    readonly results: readonly { id: string; outcome: string; evidence: string }[];
  };
  const through = results.filter(({ outcome }) => outcome === 'succeeded');
  return Object.fromEntries(through.map(({ id, evidence }) => [id, evidence]));
}
