import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codes } from '../../packages/core/src/engine/codes.ts';
import { httpStatus } from '../../packages/core/src/wire/http.ts';
import { adviceFor } from './denial-advice.ts';

/** What a page of a code shows. */
export interface DenialPage {
  readonly code: string;
  readonly meaning: string;
  /** Kinds with which the code is given, each with its HTTP status. */
  readonly kinds: readonly { readonly kind: string; readonly status: number }[];
  readonly cause: string;
  readonly remedy: string;
}

const packages = join(import.meta.dirname, '../../packages');
const PATTERNS = [
  /\b(?:deny|Denial|denial|denied|fault)\(\s*'([a-z_]+)',\s*'([a-z_]+\.[a-z_]+)'/g,
  /kind: '([a-z_]+)',\s*code: '([a-z_]+\.[a-z_]+)'/g,
];

/** Each built-in code. Its kinds are read off the sources, so that they are true. */
export function denialPages(): readonly DenialPage[] {
  const kinds = kindsByCode();
  return Object.entries(codes).map(([code, meaning]) => ({
    code,
    meaning,
    kinds: [...(kinds.get(code) ?? [])].toSorted().map((kind) => ({
      kind, // Only names of kinds were kept.
      status: httpStatus[kind as keyof typeof httpStatus],
    })),
    ...adviceFor(code),
  }));
}

function kindsByCode(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const text of sources()) {
    for (const pattern of PATTERNS) {
      for (const [, kind = '', code = ''] of text.matchAll(pattern)) {
        if (!Object.hasOwn(httpStatus, kind)) continue;
        const kinds = found.get(code) ?? new Set();
        found.set(code, kinds.add(kind));
      }
    }
  }
  return found;
}

function* sources(): Generator<string> {
  for (const name of readdirSync(packages)) {
    const folder = join(packages, name, 'src');
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.ts') && !file.endsWith('.test.ts')) {
        yield readFileSync(join(folder, file), 'utf8');
      }
    }
  }
}
