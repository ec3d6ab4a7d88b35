import { type Attack, anyAdmitted, call, EVIL, type Target, withToken } from './attack.ts';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const CLAIMS = { sub: 'attacker', iss: EVIL, aud: '*', exp: 4_102_444_800 };

const needsToken = ({ token }: Target): string | undefined =>
  token === undefined ? '--token' : undefined;

/** Each of the tokens, in a call of its own. */
const tokens = (target: Target, named: readonly (readonly [string, string])[]) =>
  anyAdmitted(
    target,
    named.map(([what, token]) => [what, call(target, withToken(target, token))]),
  );

export const TOKEN_ATTACKS: readonly Attack[] = [
  {
    id: 'token.missing',
    owasp: 'API2:2023',
    title: 'A call without credentials is denied',
    run: (target) => anyAdmitted(target, [['A call without credentials', call(target)]]),
  },
  {
    id: 'token.forged',
    owasp: 'API2:2023',
    title: 'Tokens that anybody can make are denied',
    run: (target) =>
      tokens(target, [
        ['An unsigned token', `${part({ alg: 'none' })}.${part(CLAIMS)}.`],
        ['A token without a signature', `${part({ alg: 'RS256' })}.${part(CLAIMS)}.`],
        ['A token of alg nOnE', `${part({ alg: 'nOnE' })}.${part(CLAIMS)}.x`],
        ['An empty token', ''],
        ['A token of one letter', 'x'],
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
      return tokens(target, [
        ['A token with another signature', `${header}.${claims}.${flipped}`],
        ['A token with other claims', `${header}.${part(CLAIMS)}.${signature}`],
        ['A token without its signature', `${part({ alg: 'none' })}.${claims}.`],
      ]);
    },
  },
  {
    id: 'token.twice',
    owasp: 'API2:2023',
    title: 'Two credentials in one call are denied',
    needs: needsToken,
    run: (target) => {
      const headers = [...withToken(target, target.token ?? ''), ...withToken(target, 'x')];
      const what = 'A call with two Authorization headers';
      return anyAdmitted(target, [[what, call(target, headers)]]);
    },
  },
  {
    id: 'token.query',
    owasp: 'API2:2023',
    title: 'A token in the URL is not accepted',
    needs: needsToken,
    run: (target) => {
      const { pathname, search } = target.url;
      const query = `${search === '' ? '?' : `${search}&`}access_token=${target.token ?? ''}`;
      const probe = call(target, [], { path: `${pathname}${query}` });
      return anyAdmitted(target, [['A token in the query', probe]]);
    },
  },
];
