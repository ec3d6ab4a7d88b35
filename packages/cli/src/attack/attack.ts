import type { Dpop } from './dpop.ts';
import type { Answer, Probe } from './probe.ts';

/** What the user said of the target. */
export interface Target {
  readonly url: URL;
  /** What an honest caller sends, but for credentials: a query, a message of gRPC. Default: a GET of the address. */
  readonly query?: Probe | undefined;
  /** A token that the target admits. */
  readonly token?: string | undefined;
  /** The key that the token is bound to. */
  readonly dpop?: Dpop | undefined;
  /** A cookie that logs a browser in. */
  readonly cookie?: string | undefined;
  /** The target speaks GraphQL. */
  readonly graphql: boolean;
  /** The target is a method of gRPC. Default: false. */
  readonly grpc?: boolean | undefined;
  /** How many calls a limit must end. */
  readonly burst?: number | undefined;
  /** Told how far an attack of many calls has come. */
  readonly onProgress?: ((text: string) => void) | undefined;
  readonly send: (probe: Probe) => Promise<Answer>;
}

/** One attack. */
export interface Attack {
  readonly id: string;
  /** Of the OWASP API Security Top 10, 2023. */
  readonly owasp: string;
  readonly title: string;
  /** What the user has to give before it can be tried; undefined where it can be. */
  readonly needs?: (target: Target) => string | undefined;
  /** What was let through, in words; undefined where nothing was. */
  readonly run: (target: Target) => Promise<string | undefined>;
}

export type Headers = readonly (readonly [string, string])[];

/** The origin of an attacker. */
export const EVIL = 'https://attacker.example';

/** A token in the scheme of the target: where it is bound to a key, `send` adds the proof. */
export const withToken = ({ dpop }: Target, token: string): Headers => [
  ['authorization', `${dpop === undefined ? 'Bearer' : 'DPoP'} ${token}`],
];

const session = (cookie: string): Headers => [['cookie', cookie]];

/** The honest credentials that the user gave, each in headers of its own. */
export const credentials = (target: Target): readonly Headers[] => [
  ...(target.token === undefined ? [] : [withToken(target, target.token)]),
  ...(target.cookie === undefined ? [] : [session(target.cookie)]),
];

/** Headers of an honest call: with the token, or else the cookie. */
export const ownHeaders = (target: Target): Headers => credentials(target)[0] ?? [];

/** A call of the operation, with these headers besides its own, or otherwise changed. */
export function call({ query }: Target, headers: Headers = [], changed: Probe = {}): Probe {
  return { ...query, ...changed, headers: [...(query?.headers ?? []), ...headers] };
}

/** Whether a call went through. GraphQL may answer denials with 200, so that takes data besides. */
export function isAdmitted({ graphql }: Target, answer: Answer): boolean {
  if (answer.status < 200 || answer.status >= 300) return false;
  return !graphql || hasData(answer.body);
}

function hasData(body: string): boolean {
  try {
    return [JSON.parse(body) as unknown].flat().some((result) => {
      const data = (result as { readonly data?: unknown } | null)?.data;
      return Object.values(data ?? {}).some((value) => value !== null);
    });
  } catch {
    // A page that is not JSON is not an answer of GraphQL.
    return false;
  }
}

export const nameOf = ({ label, status }: Answer): string | number => label ?? status;

/** For attacks of browsers, and of what HTTP alone has. */
export const needsHttp = ({ grpc }: Target): string | undefined => (grpc ? 'HTTP' : undefined);

/** Fails where any of the probes goes through. */
export async function anyAdmitted(
  target: Target,
  probes: readonly (readonly [string, Probe])[],
): Promise<string | undefined> {
  for (const [what, probe] of probes) {
    const answer = await target.send(probe);
    if (isAdmitted(target, answer)) return `${what} is answered with ${nameOf(answer)}.`;
  }
  return undefined;
}
