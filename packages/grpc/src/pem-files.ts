import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ConfigurationError } from '@apisec/core';
import { assertConfiguration, type Duration, durationMs, report } from '@apisec/core/host';

/** The files of one end of TLS, in PEM. */
export interface PemFiles {
  /** The certificate of this end, with the intermediate ones behind it. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The authorities that the other end must be certified by. */
  readonly ca?: string | undefined;
}

/** What stood in the files, all at one time. */
export type Pem = Readonly<Record<keyof PemFiles, Buffer | undefined>>;

/** Files that are read again while somebody uses them. */
export interface WatchedFiles {
  readonly current: () => Pem;
  /** Reads them now. Resolves to false where they cannot be used, so that the earlier ones stay. */
  readonly reload: () => Promise<boolean>;
  /** Reads them at intervals, until as often stopped as started. */
  readonly start: () => void;
  readonly stop: () => void;
}

interface WatchOptions {
  readonly reload?: Duration | 'never' | undefined;
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

const NAMES = ['cert', 'key', 'ca'] as const;

/**
 * Reads PEM files now and at intervals, so that certificates can be replaced under a running process.
 *
 * @param onChange gets what stands in them once it is another and can be used: the key fits the certificate.
 * @throws ConfigurationError when they cannot be read or used now.
 */
export function watchFiles(
  where: string,
  files: PemFiles,
  { reload = '1m', onFault }: WatchOptions,
  onChange: (pem: Pem, earlier: Pem) => void,
): WatchedFiles {
  const intervalMs = reload === 'never' ? undefined : durationMs(where, 'reload', reload);
  for (const name of NAMES) {
    const file = files[name];
    assertConfiguration(
      file === undefined || (typeof file === 'string' && file !== ''),
      `${where}: ${name} must be the path of a PEM file.`,
    );
  }
  let current = readNow(where, files);
  let users = 0;
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<boolean> | undefined;

  const readAgain = async (): Promise<boolean> => {
    try {
      const [cert, key, ca] = await Promise.all(
        NAMES.map(async (name) => {
          const file = files[name];
          return file === undefined ? undefined : readFile(file);
        }),
      );
      const next: Pem = { cert, key, ca };
      if (NAMES.every((name) => isSame(next[name], current[name]))) return true;
      assertUsable(next);
      const earlier = current;
      current = next;
      onChange(next, earlier);
      return true;
    } catch (cause) {
      // Perhaps one of them is being written. What was there before is good until it expires.
      report(onFault, cause);
      return false;
    }
  };
  // One at a time, so that an older reading never comes after a newer one.
  const once = (): Promise<boolean> =>
    (reading ??= readAgain().finally(() => {
      reading = undefined;
    }));

  return {
    current: () => current,
    reload: once,
    start: () => {
      users++;
      if (users > 1 || intervalMs === undefined) return;
      timer = setInterval(() => void once(), Math.min(intervalMs, 2_147_483_647));
      timer.unref();
    },
    stop: () => {
      users--;
      if (users === 0) clearInterval(timer);
    },
  };
}

function readNow(where: string, files: PemFiles): Pem {
  try {
    const pem = { cert: read(files.cert), key: read(files.key), ca: read(files.ca) };
    assertUsable(pem);
    return pem;
  } catch (cause) {
    const { code = 'not usable' } = cause as { readonly code?: string };
    throw new ConfigurationError(
      `${where}: the PEM files cannot be used (${code}). Name a certificate, its own key, and the authorities of the other end.`,
    );
  }
}

function read(file: string | undefined): Buffer | undefined {
  return file === undefined ? undefined : readFileSync(file);
}

function assertUsable({ cert, key, ca }: Pem): void {
  // Throws for what is not PEM, and for a key that is not that of the certificate.
  createSecureContext({ cert, key, ca });
  if (ca !== undefined) certificatesIn(ca);
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each certificate of a bundle. @throws Error where there is none, since that would be another list of authorities. */
export function certificatesIn(bundle: Buffer): readonly string[] {
  const found = bundle.toString('latin1').match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error('The file of authorities has no certificate in it.');
  return found;
}

function isSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
