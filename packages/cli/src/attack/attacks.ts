import type { Answer, Probe } from './probe.ts';

/** What the user said of the target. */
export interface Target {
  readonly url: URL;
  /** A token that the target admits. */
  readonly token?: string | undefined;
  /** A cookie that logs a browser in. */
  readonly cookie?: string | undefined;
  /** The target speaks GraphQL. */
  readonly graphql: boolean;
  /** How many calls a limit must end. */
  readonly burst?: number | undefined;
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

type Headers = readonly (readonly [string, string])[];

const EVIL = 'https://attacker.example';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const CLAIMS = { sub: 'attacker', iss: EVIL, aud: '*', exp: 4_102_444_800 };
const bearer = (token: string): Headers => [['authorization', `Bearer ${token}`]];
const isOk = ({ status }: Answer): boolean => status >= 200 && status < 300;

/** Fails where any of the probes is answered with success. */
async function anyOk(
  { send }: Target,
  probes: readonly (readonly [string, Probe])[],
): Promise<string | undefined> {
  for (const [what, probe] of probes) {
    const answer = await send(probe);
    if (isOk(answer)) return `${what} is answered with ${answer.status}.`;
  }
  return undefined;
}

const needsToken = ({ token }: Target): string | undefined =>
  token === undefined ? '--token' : undefined;

/** In the order in which they are tried: what may use up a limit comes last. */
export const ATTACKS: readonly Attack[] = [
  {
    id: 'token.missing',
    owasp: 'API2:2023',
    title: 'A call without credentials is denied',
    run: (target) => anyOk(target, [['A call without credentials', {}]]),
  },
  {
    id: 'token.forged',
    owasp: 'API2:2023',
    title: 'Tokens that anybody can make are denied',
    run: (target) =>
      anyOk(target, [
        ['An unsigned token', { headers: bearer(`${part({ alg: 'none' })}.${part(CLAIMS)}.`) }],
        [
          'A token without a signature',
          { headers: bearer(`${part({ alg: 'RS256' })}.${part(CLAIMS)}.`) },
        ],
        ['A token of alg nOnE', { headers: bearer(`${part({ alg: 'nOnE' })}.${part(CLAIMS)}.x`) }],
        ['An empty token', { headers: bearer('') }],
        ['A token of one letter', { headers: bearer('x') }],
      ]),
  },
  {
    id: 'token.tampered',
    owasp: 'API2:2023',
    title: 'A token that was changed is denied',
    needs: needsToken,
    run: (target) => {
      const [header = '', claims = '', signature = ''] = (target.token ?? '').split('.');
      // The first character: the last one of base64url may hold bits that count for nothing.
      const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
      const tampered = `${header}.${part(CLAIMS)}.${signature}`;
      return anyOk(target, [
        ['A token with another signature', { headers: bearer(`${header}.${claims}.${flipped}`) }],
        ['A token with other claims', { headers: bearer(tampered) }],
        [
          'A token without its signature',
          { headers: bearer(`${part({ alg: 'none' })}.${claims}.`) },
        ],
      ]);
    },
  },
  {
    id: 'token.twice',
    owasp: 'API2:2023',
    title: 'Two credentials in one call are denied',
    needs: needsToken,
    run: (target) => {
      const headers = [...bearer(target.token ?? ''), ...bearer('x')];
      return anyOk(target, [['A call with two Authorization headers', { headers }]]);
    },
  },
  {
    id: 'token.query',
    owasp: 'API2:2023',
    title: 'A token in the URL is not taken',
    needs: needsToken,
    run: (target) => {
      const { pathname, search } = target.url;
      const path = `${pathname}${search === '' ? '?' : `${search}&`}access_token=${target.token ?? ''}`;
      return anyOk(target, [['A token in the query', { path }]]);
    },
  },
  {
    id: 'path.ambiguous',
    owasp: 'API5:2023',
    title: 'Other spellings of the path open nothing',
    run: (target) => {
      const { pathname } = target.url;
      const paths = [`/${pathname}`, `/x/..${pathname}`, `/x/%2e%2e${pathname}`, `/.${pathname}`];
      const ends = [
        `${pathname}/`,
        `${pathname}%2f`,
        `${pathname};a=b`,
        `${pathname}%00`,
        `${pathname}.json`,
      ];
      return anyOk(
        target,
        [...paths, ...ends, pathname.toUpperCase()].map((path) => [`The path ${path}`, { path }]),
      );
    },
  },
  {
    id: 'header.override',
    owasp: 'API5:2023',
    title: 'Headers that replace method, path or address open nothing',
    run: (target) => {
      const { pathname } = target.url;
      return anyOk(target, [
        ['X-Original-URL', { headers: [['x-original-url', pathname]] }],
        ['X-Rewrite-URL', { headers: [['x-rewrite-url', pathname]] }],
        [
          'X-HTTP-Method-Override',
          { method: 'POST', headers: [['x-http-method-override', 'GET']] },
        ],
        ['X-Forwarded-For: 127.0.0.1', { headers: [['x-forwarded-for', '127.0.0.1']] }],
        [
          'X-User',
          {
            headers: [
              ['x-user', 'admin'],
              ['x-roles', 'admin'],
            ],
          },
        ],
      ]);
    },
  },
  {
    id: 'cors.reflected',
    owasp: 'API8:2023',
    title: 'Other origins may not read answers',
    run: async ({ send, token, cookie }) => {
      const own: Headers = [
        ...(token === undefined ? [] : bearer(token)),
        ...(cookie === undefined ? [] : [['cookie', cookie] as const]),
      ];
      for (const origin of [EVIL, 'null']) {
        const asked = [['access-control-request-method', 'GET']] as const;
        const probes: readonly Probe[] = [
          { headers: [...own, ['origin', origin]] },
          { method: 'OPTIONS', headers: [['origin', origin], ...asked] },
        ];
        for (const probe of probes) {
          const { headers } = await send(probe);
          if (headers['access-control-allow-origin'] !== origin) continue;
          return `The origin ${origin} may read answers.`;
        }
      }
      return undefined;
    },
  },
  {
    id: 'csrf.simple',
    owasp: 'API8:2023',
    title: 'A form of another site does nothing with the cookie of a user',
    needs: ({ cookie }) => (cookie === undefined ? '--cookie' : undefined),
    run: (target) => {
      const headers: Headers = [
        ['cookie', target.cookie ?? ''],
        ['origin', EVIL],
        ['sec-fetch-site', 'cross-site'],
        ['sec-fetch-mode', 'no-cors'],
      ];
      const probe = (type: string): Probe => ({
        method: 'POST',
        headers: [...headers, ['content-type', type]],
        body: '{}',
      });
      return anyOk(target, [
        ['A text form of another site', probe('text/plain')],
        ['A form of another site', probe('application/x-www-form-urlencoded')],
      ]);
    },
  },
  {
    id: 'method.trace',
    owasp: 'API8:2023',
    title: 'TRACE is not answered',
    run: (target) => anyOk(target, [['TRACE', { method: 'TRACE' }]]),
  },
  {
    id: 'headers.missing',
    owasp: 'API8:2023',
    title: 'Answers forbid guessing of types, and do not name their software',
    run: async ({ send, url }) => {
      const { headers } = await send({});
      if (headers['x-content-type-options'] !== 'nosniff')
        return 'X-Content-Type-Options: nosniff is missing.';
      if (url.protocol === 'https:' && headers['strict-transport-security'] === undefined) {
        return 'Strict-Transport-Security is missing.';
      }
      return headers['x-powered-by'] === undefined ? undefined : 'X-Powered-By names the software.';
    },
  },
  {
    id: 'errors.telling',
    owasp: 'API8:2023',
    title: 'Errors tell nothing of the server',
    run: async ({ send, token }) => {
      const own = token === undefined ? [] : bearer(token);
      const { body } = await send({
        method: 'POST',
        headers: [...own, ['content-type', 'application/json']],
        body: '{"a":',
      });
      return /\n\s+at .+[:(]\d+|node_modules|\bSQLSTATE\b/.test(body)
        ? 'The answer to broken JSON has a stack trace.'
        : undefined;
    },
  },
  {
    id: 'graphql.introspection',
    owasp: 'API9:2023',
    title: 'Strangers may not read the schema',
    needs: ({ graphql }) => (graphql ? undefined : '--graphql'),
    run: async ({ send }) => {
      const { body } = await send(graphql({ query: '{ __schema { types { name } } }' }));
      return body.includes('"__schema":{') ? 'Introspection is answered.' : undefined;
    },
  },
  {
    id: 'graphql.cost',
    owasp: 'API4:2023',
    title: 'Documents and batches without measure are denied',
    needs: ({ graphql }) => (graphql ? undefined : '--graphql'),
    run: async ({ send, token }) => {
      const query = `{ ${Array.from({ length: 2_000 }, (_, i) => `a${i}: __typename`).join(' ')} }`;
      const own = token === undefined ? [] : bearer(token);
      if (isOk(await send(graphql({ query }, own)))) return '2,000 aliases are answered.';
      const batch = Array.from({ length: 200 }, () => ({ query: '{ __typename }' }));
      return isOk(await send(graphql(batch, own))) ? 'A batch of 200 is answered.' : undefined;
    },
  },
  {
    id: 'limit.missing',
    owasp: 'API4:2023',
    title: 'Calls without end are limited',
    needs: ({ burst }) => (burst === undefined ? '--burst' : undefined),
    run: async ({ send, token, burst = 0 }) => {
      const headers = token === undefined ? [] : bearer(token);
      for (let sent = 0; sent < burst; sent++) {
        if ((await send({ headers })).status === 429) return undefined;
      }
      return `None of ${burst} calls in a row was answered with 429.`;
    },
  },
];

function graphql(body: object, headers: Headers = []): Probe {
  return {
    method: 'POST',
    headers: [...headers, ['content-type', 'application/json']],
    body: JSON.stringify(body),
  };
}
