import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { altNames, createAuthority } from '../../../../packages/conformance/src/certificates.ts';

/**
 * Certificates of a server and a client on this machine, in files, and the authority of both. `paths` is where each
 * file of a guide is.
 */
export async function certificatesIn(names: Readonly<Record<string, 'ca' | 'cert' | 'key'>>) {
  const folder = await mkdtemp(join(tmpdir(), 'apisec-guide-'));
  const authority = await createAuthority('the shop');
  const { cert, key } = await authority.issue('localhost', [
    altNames({ type: 'dns', value: 'localhost' }),
  ]);
  const texts = { ca: authority.cert, cert, key };
  for (const [name, kind] of Object.entries(names)) {
    await writeFile(join(folder, name), texts[kind]);
  }
  const paths = Object.fromEntries(
    Object.keys(names).map((name) => [`'${name}'`, JSON.stringify(join(folder, name))]),
  );
  return { ...texts, paths, remove: () => rm(folder, { recursive: true }) };
}
