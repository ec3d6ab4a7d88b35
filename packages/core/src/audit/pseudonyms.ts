import { encodeBase64url } from '../lib/base64url.ts';
import { boundedCache } from '../lib/bounded-cache.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertSecretBytes } from '../lib/secret-bytes.ts';
import type { AuditEvent } from './event.ts';

/** Which members of an event can tell who somebody is. */
export type PseudonymousField = 'principal' | 'client' | 'tenant' | 'peer' | 'target';

/** Pseudonyms in place of names. */
export interface PseudonymOptions {
  /**
   * At least 32 random bytes. The same name has the same pseudonym under the same key, so that events of one person
   * can be recognized as the same; without the key nobody finds out whose they are. Destroy it, and nobody ever does.
   */
  readonly key: Uint8Array;
  /**
   * Of acts, also where their data name somebody: `owner`, `subject` and `key` as principals, `clientId`, `tenant`,
   * `peer`. Default: `principal` (with its subject), `peer` and `target`.
   */
  readonly fields?: readonly PseudonymousField[] | undefined;
}

const FIELDS: readonly PseudonymousField[] = ['principal', 'client', 'tenant', 'peer', 'target'];
/** 128 bits: no two of any number of names meet. */
const HASH_BYTES = 16;
/** Shorter names are in every text by chance. */
const SHORTEST = 3;
const encoder = new TextEncoder();

/** Replaces names in events; those that are known already at once. */
export function pseudonymiser(
  options: PseudonymOptions,
): (event: AuditEvent) => Promise<AuditEvent> {
  assertKnownOptions('audit: pseudonyms', options, ['key', 'fields']);
  const { key: bytes, fields = ['principal', 'peer', 'target'] } = options;
  assertSecretBytes('audit: pseudonyms.key', bytes);
  assertConfiguration(
    Array.isArray(fields) && fields.length > 0 && fields.every((field) => FIELDS.includes(field)),
    `audit: pseudonyms.fields must name some of ${FIELDS.join(', ')}.`,
  );
  const hidden = new Set<PseudonymousField>(fields);
  const secret = new Uint8Array(bytes);
  const known = boundedCache<string>({ maxEntries: 10_000, maxBytes: 4 << 20 });
  let imported: Promise<CryptoKey> | undefined;

  const pseudonymOf = async (name: string): Promise<string> => {
    const before = known.get(name);
    if (before !== undefined) return before;
    imported ??= crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ]);
    const hash = await crypto.subtle.sign('HMAC', await imported, encoder.encode(name));
    const pseudonym = `~${encodeBase64url(new Uint8Array(hash, 0, HASH_BYTES))}`;
    known.set(name, pseudonym, 2 * name.length + 64);
    return pseudonym;
  };

  return async (event) => {
    const { principal, subject, client, tenant, peer, target } = event;
    const replaced = new Map<string, string>();
    const hide = async (field: PseudonymousField, name: string | undefined): Promise<void> => {
      if (name && hidden.has(field)) replaced.set(name, await pseudonymOf(name));
    };
    await hide('principal', principal);
    await hide('principal', subject);
    await hide('client', client);
    await hide('tenant', tenant);
    await hide('peer', peer);
    await hide('target', target?.id);
    for (const [member, value] of Object.entries(event.data ?? {})) {
      const field = DATA[member];
      if (field !== undefined && typeof value === 'string') await hide(field, value);
    }
    if (replaced.size === 0) return event;
    const names = [...replaced.keys()].toSorted((a, b) => b.length - a.length);
    const within = (text: string): string =>
      names.reduce(
        (before, name) =>
          name.length < SHORTEST ? before : before.replaceAll(name, replaced.get(name) ?? ''),
        text,
      );
    const result: Record<string, unknown> = { ...event };
    for (const [member, value] of Object.entries(event)) {
      // Free text may speak of them as well.
      if (typeof value === 'string' && FREE.has(member)) result[member] = within(value);
    }
    const named = { principal, subject, client, tenant, peer };
    for (const [member, name] of Object.entries(named)) {
      if (name !== undefined) result[member] = replaced.get(name) ?? name;
    }
    if (target) result['target'] = { ...target, id: replaced.get(target.id) ?? target.id };
    if (event.data) {
      result['data'] = Object.fromEntries(
        Object.entries(event.data).map(([name, value]) => [
          name,
          typeof value === 'string' ? (replaced.get(value) ?? within(value)) : value,
        ]),
      );
    }
    // The members are those of the event, with other texts in them.
    return result as unknown as AuditEvent;
  };
}

/** Members of the data of acts that name somebody: whose key, family or limit it was. */
const DATA: Readonly<Partial<Record<string, PseudonymousField>>> = Object.assign(
  Object.create(null),
  {
    subject: 'principal',
    owner: 'principal',
    key: 'principal',
    clientId: 'client',
    tenant: 'tenant',
    peer: 'peer',
  } satisfies Record<string, PseudonymousField>,
);
const FREE: ReadonlySet<string> = new Set(['cause', 'reason', 'operation', 'operationName']);
