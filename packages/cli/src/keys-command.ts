import { isObject } from '@apisec/core/host';
import { calculateJwkThumbprint } from 'jose';
import { type Command, EXIT, type Invocation, UsageError } from './command.ts';
import { codeOf, readInput, readText } from './files.ts';
import { generateKeys, rotateKeys, type WrittenKeys } from './key-files.ts';
import { addPepper } from './pepper-file.ts';

/** `apisec keys`: keys for an issuer of tokens, their rotation, thumbprints, and peppers for API keys. */
export const keysCommand: Command = {
  name: 'keys',
  summary:
    'makes signing keys and the JWKS that publishes them, rotates them, and makes peppers for API keys',
  usage: [
    'keys generate [--out .] [--alg ES256]   writes private.jwks.json (mode 600) and jwks.json',
    'keys rotate [--out .]                   the next key signs, a new next one is published',
    'keys thumbprint <file>                  RFC 7638, of a JWK or a JWKS; - for standard input',
    'keys pepper [--out .]                   adds a pepper for API keys to peppers.json (mode 600)',
  ],
  options: { out: { type: 'string' }, alg: { type: 'string' } },
  run: async (invocation) => {
    const { positionals, text } = invocation;
    const [action, file] = positionals;
    const folder = text('out') ?? '.';
    if (action === 'generate') return told(await generateKeys(folder, text('alg')), invocation);
    if (action === 'rotate') return told(await rotateKeys(folder, text('alg')), invocation);
    if (action === 'thumbprint') return thumbprint(file, invocation);
    if (action === 'pepper') return pepper(folder, invocation);
    throw new UsageError('name a subcommand: generate, rotate, thumbprint or pepper.');
  },
};

function told(keys: WrittenKeys, { terminal }: Invocation): number {
  terminal.json(keys);
  terminal.line(`signs now    ${keys.signing}`, 'good');
  terminal.line(`signs next   ${keys.next}`);
  if (keys.retired !== undefined) {
    terminal.line(`signed until now, still published   ${keys.retired}`);
    terminal.line('Rotate again only when no token of that key is valid any more.', 'dim');
  }
  terminal.line(`${keys.privateFile} is secret; ${keys.publicFile} is to be published.`);
  return EXIT.ok;
}

async function pepper(folder: string, { terminal }: Invocation): Promise<number> {
  const peppers = await addPepper(folder);
  const { file, current, versions } = peppers;
  terminal.json(peppers);
  terminal.line(`current      ${current}`, 'good');
  if (versions.length > 1) {
    terminal.line(`still read   ${versions.filter((version) => version !== current).join(' ')}`);
    terminal.line(
      'Take one away once no key is hashed with it any more: that ends such keys.',
      'dim',
    );
  }
  terminal.line(`${file} is secret.`);
  return EXIT.ok;
}

async function thumbprint(file: string | undefined, { terminal }: Invocation): Promise<number> {
  if (file === undefined)
    throw new UsageError('name a file with a JWK or a JWKS, or - for standard input.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(file === '-' ? await readInput() : await readText(file));
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON (${codeOf(error, 'not JSON')}).`);
  }
  const keys: unknown =
    isObject(parsed) && Array.isArray(parsed['keys']) ? parsed['keys'] : [parsed];
  const prints: { kid: unknown; thumbprint: string }[] = [];
  // Either branch above is a list.
  for (const key of keys as readonly unknown[]) {
    if (!isObject(key)) throw new UsageError(`${file} has a key that is not a JWK.`);
    try {
      // What it lacks as a JWK is told by jose.
      prints.push({ kid: key['kid'], thumbprint: await calculateJwkThumbprint(key) });
    } catch {
      throw new UsageError(`${file} has a key that is not a JWK (RFC 7517).`);
    }
  }
  terminal.json(prints);
  for (const each of prints) terminal.line(each.thumbprint);
  return EXIT.ok;
}
