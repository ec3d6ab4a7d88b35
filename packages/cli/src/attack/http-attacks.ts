import {
  type Attack,
  anyAdmitted,
  call,
  EVIL,
  type Headers,
  needsHttp,
  ownHeaders,
} from './attack.ts';
import type { Probe } from './probe.ts';

/** Traces of JavaScript and Java, as text, in JSON or in HTML; of Python; of a database. */
const TRACE =
  /(?:\n|\\n|<br>)(?:\s|\\t|&nbsp;)+at .+[:(]\d+|node_modules|Traceback \(most recent|\bSQLSTATE\b/;

export const HTTP_ATTACKS: readonly Attack[] = [
  {
    id: 'path.ambiguous',
    owasp: 'API5:2023',
    title: 'Other spellings of the path open nothing',
    run: (target) => {
      const { pathname } = target.url;
      const paths = [`/${pathname}`, `/x/..${pathname}`, `/x/%2e%2e${pathname}`, `/.${pathname}`];
      const ends = ['/', '%2f', ';a=b', '%00', '.json'].map((end) => `${pathname}${end}`);
      return anyAdmitted(
        target,
        [...paths, ...ends, pathname.toUpperCase()].map((path) => [
          `The path ${path}`,
          call(target, [], { path }),
        ]),
      );
    },
  },
  {
    id: 'header.override',
    owasp: 'API5:2023',
    title: 'Headers that replace method, path or address open nothing',
    run: (target) => {
      const { pathname } = target.url;
      const override = call(target, [['x-http-method-override', 'GET']], { method: 'POST' });
      return anyAdmitted(target, [
        ['X-Original-URL', call(target, [['x-original-url', pathname]])],
        ['X-Rewrite-URL', call(target, [['x-rewrite-url', pathname]])],
        ['X-HTTP-Method-Override', override],
        ['X-Forwarded-For: 127.0.0.1', call(target, [['x-forwarded-for', '127.0.0.1']])],
        [
          'X-User',
          call(
            target,
            ['x-user', 'x-roles'].map((name) => [name, 'admin'] as const),
          ),
        ],
      ]);
    },
  },
  {
    id: 'cors.reflected',
    owasp: 'API8:2023',
    title: 'Other origins may not read answers',
    needs: needsHttp,
    run: async (target) => {
      // Names that begin or end like the target's pass where only a part of the name is compared.
      const { hostname } = target.url;
      const alike = [`http://${hostname}.attacker.example`, `https://attacker-${hostname}`];
      for (const origin of [EVIL, 'null', ...alike]) {
        const asked = [['access-control-request-method', target.query?.method ?? 'GET']] as const;
        const probes: readonly Probe[] = [
          call(target, [...ownHeaders(target), ['origin', origin]]),
          { method: 'OPTIONS', headers: [['origin', origin], ...asked] },
        ];
        for (const probe of probes) {
          const { headers } = await target.send(probe);
          const allowed = headers['access-control-allow-origin'];
          if (allowed === '*') return 'Every origin may read answers.';
          if (allowed === origin) return `The origin ${origin} may read answers.`;
        }
      }
      return undefined;
    },
  },
  {
    id: 'csrf.simple',
    owasp: 'API8:2023',
    title: 'A form on another site does nothing with the cookie of a user',
    needs: ({ cookie }) => (cookie === undefined ? '--cookie' : undefined),
    run: (target) => {
      const headers: Headers = [
        ['cookie', target.cookie ?? ''],
        ['origin', EVIL],
        ['sec-fetch-site', 'cross-site'],
        ['sec-fetch-mode', 'no-cors'],
      ];
      // Its headers are all that a form can send: none of the query's own.
      const probe = (type: string): Probe => ({
        method: 'POST',
        headers: [...headers, ['content-type', type]],
        body: target.query?.body ?? '{}',
      });
      return anyAdmitted(target, [
        ['A text form of another site', probe('text/plain')],
        ['A form of another site', probe('application/x-www-form-urlencoded')],
      ]);
    },
  },
  {
    id: 'method.trace',
    owasp: 'API8:2023',
    title: 'TRACE is not answered',
    needs: needsHttp,
    run: async ({ send }) => {
      const { status } = await send({ method: 'TRACE' });
      return status >= 200 && status < 300 ? `TRACE is answered with ${status}.` : undefined;
    },
  },
  {
    id: 'headers.missing',
    owasp: 'API8:2023',
    title: 'Answers forbid content sniffing, and do not name their software',
    needs: needsHttp,
    run: async (target) => {
      const { headers } = await target.send(call(target));
      if (headers['x-content-type-options'] !== 'nosniff')
        return 'X-Content-Type-Options: nosniff is missing.';
      const isMissing = headers['strict-transport-security'] === undefined;
      if (target.url.protocol === 'https:' && isMissing)
        return 'Strict-Transport-Security is missing.';
      if (headers['x-powered-by'] !== undefined) return 'X-Powered-By names the software.';
      return /\/\d/.test(String(headers['server'] ?? ''))
        ? 'Server names the software and its version.'
        : undefined;
    },
  },
  {
    id: 'errors.telling',
    owasp: 'API8:2023',
    title: 'Errors reveal nothing about the server',
    needs: needsHttp,
    run: async (target) => {
      const own = ownHeaders(target);
      const json = [...own, ['content-type', 'application/json'] as const];
      const probes: readonly (readonly [string, Probe])[] = [
        ['broken JSON', { method: 'POST', headers: json, body: '{"a":' }],
        ['a broken path', { headers: own, path: `${target.url.pathname}/%E0%A4%A` }],
      ];
      for (const [what, probe] of probes) {
        if (TRACE.test((await target.send(probe)).body))
          return `The answer to ${what} has a stack trace.`;
      }
      return undefined;
    },
  },
];
