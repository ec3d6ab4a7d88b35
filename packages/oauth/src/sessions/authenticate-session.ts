import {
  type AuthenticatedFacts,
  type CrossOriginFacts,
  type Deny,
  definePolicy,
  deny,
  type Outcome,
  type Policy,
  pathOf,
  queryOf,
  type RequestLike,
} from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  fault,
  frozenSet,
  isThenable,
  member,
  principalId,
  stateOf,
} from '@apisec/core/host';
import { MOST_RETURN_CHARACTERS } from '../routes/return-to.ts';
import type { Session, SessionReading, Sessions } from './session.ts';

/** Options of {@link authenticateSession}. */
export interface AuthenticateSessionOptions {
  /**
   * Where a browser that opens a page without a session is sent, like `/auth/login`; the page goes along as `returnTo`.
   * Calls of scripts are denied with 401 in any case. Default: nobody is sent anywhere.
   */
  readonly loginPath?: string | undefined;
  /** The claim that names roles. Default: `roles`. */
  readonly rolesClaim?: string | undefined;
  /** The claim that names the tenant. Default: none. */
  readonly tenantClaim?: string | undefined;
}

/** What {@link authenticateSession} adds beside who calls. */
export interface SessionFacts {
  readonly session: Session;
}

const NAME = 'authenticateSession';
type Facts = AuthenticatedFacts & SessionFacts;
type Problem = 'missing' | 'malformed' | 'repeated' | 'unknown';

/**
 * Finds out who calls by the session cookie, and denies a call without a session that lives. Adds `principal`,
 * `authentication` and `session`; admits nobody by itself. Needs `crossOrigin` in front of it in the same guard, since
 * a cookie comes along with whatever another site makes the browser send: without it the guard is not built.
 *
 * A cookie that is present but bad is never taken for none: `anyOf` tries no alternative. It is cleared where a browser
 * opens a page, and not for a script, whose answer may come behind that of a step-up and would clear the new cookie.
 * Denials: `session.missing`, `session.unknown`, `session.malformed` (401), `session.repeated` (400),
 * `session.unavailable` (503; nobody is signed out).
 *
 * @throws ConfigurationError without sessions, for an unknown option or a login path that is not one of this site.
 * @example
 * const account = guard()
 *   .use(crossOrigin({ self: 'https://shop.example.com' }))
 *   .use(authenticateSession(browser, { loginPath: '/auth/login' }))
 *   .use(allowAuthenticated());
 */
export function authenticateSession(
  sessions: Sessions,
  options: AuthenticateSessionOptions = {},
): Policy<CrossOriginFacts, Facts, 'check'> {
  assertConfiguration(
    typeof sessions?.read === 'function',
    `${NAME}: pass what sessions() returned.`,
  );
  assertKnownOptions(NAME, options, ['loginPath', 'rolesClaim', 'tenantClaim']);
  const { loginPath, rolesClaim = 'roles', tenantClaim } = options;
  assertConfiguration(
    loginPath === undefined || /^\/(?![/\\])[!-~]*$/.test(loginPath),
    `${NAME}: loginPath must be a path of this site, like /auth/login.`,
  );
  const denied = (problem: Problem, isPage: boolean): Deny => {
    const isRepeated = problem === 'repeated';
    const isPresent = problem !== 'missing';
    const clears = isPresent && isPage;
    return deny(isRepeated ? 'malformed' : 'unauthenticated', `session.${problem}`, {
      detail: isPresent
        ? 'The session cookie is not valid. Sign in again.'
        : 'This operation needs a session. Sign in first.',
      challenges: isRepeated ? [] : [{ scheme: 'Session', params: { realm: 'api' } }],
      conclusive: isPresent,
      ...(clears && {
        obligations: {
          headers: [
            { op: 'append', name: 'set-cookie', value: sessions.cookie.clear() },
            { op: 'set', name: 'cache-control', value: 'no-store' },
          ],
        },
      }),
    });
  };
  const denialsOf = (isPage: boolean): Readonly<Record<Problem, Deny>> => ({
    missing: denied('missing', isPage),
    malformed: denied('malformed', isPage),
    repeated: denied('repeated', isPage),
    unknown: denied('unknown', isPage),
  });
  const ofPages = denialsOf(true);
  const ofScripts = denialsOf(false);
  const denialOf = (request: RequestLike, problem: Problem): Deny => {
    // A script may call while another call steps the session up: an answer that comes behind that would take its new
    // cookie away.
    if (!isNavigation(request)) return ofScripts[problem];
    const denial = ofPages[problem];
    if (loginPath === undefined) return denial;
    const page = pathOf(request) + queryOf(request);
    // One that no login would lead on to is left out, so that its user can sign in at all.
    const joint = loginPath.includes('?') ? '&' : '?';
    const wanted =
      page.length > MOST_RETURN_CHARACTERS ? '' : `${joint}returnTo=${encodeURIComponent(page)}`;
    const answer = { status: 303, location: `${loginPath}${wanted}` } as const;
    return { ...denial, denial: { ...denial.denial, answer } };
  };
  // On the reading: a store that answers the same session again gets the same facts.
  const outcomes = stateOf<Outcome<Facts>>('apisec facts of a session');
  const conclude = (request: RequestLike, reading: SessionReading): Outcome<Facts> => {
    switch (reading.kind) {
      case 'none':
        return denialOf(request, 'missing');
      case 'bad':
        return denialOf(request, reading.problem);
      case 'unavailable':
        return deny('unavailable', 'session.unavailable', {
          detail: 'Sessions cannot be looked up at the moment.',
          cause: reading.cause,
          conclusive: true,
        });
      case 'session': {
        const { session } = reading;
        const known = outcomes.get(reading);
        if (known !== undefined) return known;
        const facts = factsOfSession(session, rolesClaim, tenantClaim);
        const outcome: Outcome<Facts> = Object.freeze({ ok: true, facts });
        outcomes.set(reading, outcome);
        return outcome;
      }
    }
  };
  return definePolicy<CrossOriginFacts, Facts, 'check'>({
    name: NAME,
    role: 'check',
    needs: ['crossOrigin'],
    adds: ['principal', 'authentication', 'session'],
    check: (request, facts) => {
      // In JavaScript a guard may be put together by hand.
      if (facts.crossOrigin !== 'checked') {
        return { ok: false, denial: fault('policy.threw') };
      }
      const reading = sessions.read(request);
      return isThenable(reading)
        ? Promise.resolve(reading).then((late) => conclude(request, late))
        : conclude(request, reading);
    },
  });
}

/** True for a page that a browser opens: only that can be sent elsewhere without breaking a call of a script. */
export function isNavigation({ method, headers }: RequestLike): boolean {
  if (method !== 'GET') return false;
  const mode = headers.get('sec-fetch-mode');
  if (mode) return mode === 'navigate' && headers.get('sec-fetch-dest') === 'document';
  // Browsers from before 2023.
  return headers.get('accept')?.includes('text/html') === true && !headers.has('x-requested-with');
}

function factsOfSession(session: Session, rolesClaim: string, tenantClaim: string | undefined) {
  const { handle, issuer, subject, clientId, sid, createdAt, expiresAt } = session;
  // What `requireNotRevoked` knows a session by: its handle, its `sid` and when it began.
  const named = { jti: handle, iat: createdAt / 1_000, ...(sid !== undefined && { sid }) };
  const claims = Object.freeze({ ...session.claims, ...named });
  const tenant = tenantClaim === undefined ? undefined : member(claims, tenantClaim);
  return Object.freeze({
    session,
    principal: Object.freeze({
      id: principalId(issuer, subject),
      subject,
      issuer,
      clientId,
      tenant: typeof tenant === 'string' && tenant !== '' ? tenant : undefined,
      scopes: frozenSet(words(member(claims, 'scope'))),
      roles: frozenSet(words(member(claims, rolesClaim))),
    }),
    authentication: Object.freeze({
      method: 'session',
      scheme: 'Session',
      claims,
      expiresAt,
    }),
  });
}

function words(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter(Boolean);
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
