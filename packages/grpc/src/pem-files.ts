import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ConfigurationError } from '@apisec/core';
import {
  assertConfiguration,
  type Duration,
  durationMs,
  faultReporter,
  report,
} from '@apisec/core/host';

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
  /** Default: a line on `console.error`. */
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
  { reload = '1m', onFault = faultReporter('@apisec/grpc') }: WatchOptions,
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
  let next: Promise<boolean> | undefined;

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
  // One at a time, so that an older reading never comes after a newer one. One that has begun before a file was written
  // does not stand for what is asked for afterwards.
  const again = (): Promise<boolean> => {
    if (reading !== undefined) {
      return (next ??= reading.then(() => {
        next = undefined;
        return again();
      }));
    }
    reading = readAgain().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  return {
    current: () => current,
    reload: again,
    start: () => {
      users++;
      if (users > 1 || intervalMs === undefined) return;
      timer = setInterval(() => void again(), Math.min(intervalMs, 2_147_483_647));
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
  if (cert !== undefined) assertWhole(cert);
  if (ca !== undefined) fingerprintsIn(ca);
}

const BLOCK = /-----BEGIN ([A-Z\d ]+)-----[^-]+-----END \1-----/g;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The fingerprints of the authorities of a bundle.
 *
 * @throws Error where OpenSSL would trust less than the file says, or more: it stops at the first certificate that it
 * cannot read, and without any it takes those of the system.
 */
export function fingerprintsIn(bundle: Buffer): ReadonlySet<string> {
  assertWhole(bundle);
  const text = bundle.toString('latin1');
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0 || found.length < (text.match(BLOCK)?.length ?? 0)) {
    throw new Error('The file of authorities must hold certificates, and nothing else.');
  }
  return new Set(found.map((pem) => new X509Certificate(pem).fingerprint256));
}

/** @throws Error for a file that ends in the middle, or in which something is missing. */
function assertWhole(pem: Buffer): void {
  const rest = pem.toString('latin1').replace(BLOCK, '').trimEnd();
  if (/-----(?:BEGIN|END)|(?:^|\n)-----[A-Z]*$/.test(rest))
    throw new Error('A PEM file is cut off.');
}

function isSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
