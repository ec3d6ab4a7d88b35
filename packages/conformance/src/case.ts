import type { DenialKind } from '@apisec/core';
import type { CallTarget, Credentials } from './credentials.ts';
import type { CallSpec, Capability } from './subject.ts';

/** What must come of a case, the same on every transport. */
export type Expectation =
  | {
      readonly allowed: true;
      readonly reply?: Readonly<Record<string, unknown>>;
      /** Texts that nothing which comes back may contain. */
      readonly hides?: readonly string[];
    }
  | {
      readonly allowed: false;
      readonly kind: DenialKind;
      readonly code: string;
      /** True where the handler has run and its reply was held back. Default: false. */
      readonly handled?: boolean;
      /** Parts that the challenge must contain. */
      readonly challenge?: readonly string[];
      /** True where the caller must be told when to come again. Default: not looked at. */
      readonly retryAfter?: boolean;
    };

/** One call and what must come of it. */
export interface Case {
  readonly name: string;
  readonly operation: string;
  /** The value of `Authorization`, or several for repeated fields; absent: none is sent. */
  readonly authorization?: (credentials: Credentials) => Promise<string | readonly string[]>;
  readonly headers?:
    | CallSpec['headers']
    | ((credentials: Credentials) => Promise<CallSpec['headers']>);
  /** The value of `DPoP` for the token in `authorization`, or several for repeated fields. */
  readonly proof?: (
    credentials: Credentials,
    token: string,
    target: CallTarget,
  ) => Promise<string | readonly string[]>;
  readonly message?: unknown;
  readonly body?: CallSpec['body'];
  readonly method?: string;
  /** The same call is made so often before; only the last one is judged. */
  readonly after?: number;
  readonly needs?: Capability;
  readonly expect: Expectation;
}

/** Calls with an honest token. */
export const honest: NonNullable<Case['authorization']> = async ({ token }) =>
  `Bearer ${await token({ claims: { sub: crypto.randomUUID() } })}`;

/** Makes a value once for each subject. */
export function once<Value, Rest extends readonly unknown[]>(
  make: (credentials: Credentials, ...rest: Rest) => Promise<Value>,
): (credentials: Credentials, ...rest: Rest) => Promise<Value> {
  const made = new WeakMap<Credentials, Promise<Value>>();
  return (credentials, ...rest) => {
    const value = made.get(credentials) ?? make(credentials, ...rest);
    made.set(credentials, value);
    return value;
  };
}
