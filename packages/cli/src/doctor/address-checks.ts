import { connect as tlsConnect } from 'node:tls';
import { bareHost } from '../addresses.ts';
import { call, isAdmitted } from '../attack/attack.ts';
import { ATTACKS } from '../attack/attacks.ts';
import { send } from '../attack/probe.ts';
import { type Check, needsUrl, type Patient, targetOf } from './check.ts';

const DAY = 86_400_000;
const LEAST_DAYS = 14;
/** Half a year, in seconds. */
const LEAST_HSTS = 15_552_000;
const TIMEOUT_MS = 5_000;

const needsTls = (patient: Patient): string | undefined =>
  needsUrl(patient) ?? (isTls(patient) ? undefined : 'an address with https');
const isTls = (patient: Patient): boolean => targetOf(patient).url.protocol === 'https:';

/** Where the same operation would be without TLS. */
function plainOf({ plain, target }: Patient): URL | undefined {
  if (plain !== undefined || target === undefined || target.url.port !== '') return plain;
  const url = new URL(target.url);
  url.protocol = 'http:';
  return url;
}

/** An attack that must get nowhere, as a check. */
function withstood(id: string, attackId: string, title: string): Check {
  const attack = ATTACKS.find((each) => each.id === attackId);
  if (attack === undefined) throw new TypeError(`There is no attack ${attackId}.`);
  return {
    id,
    title,
    needs: (patient) => needsUrl(patient) ?? attack.needs?.(targetOf(patient)),
    run: (patient) => attack.run(targetOf(patient)),
  };
}

export const ADDRESS_CHECKS: readonly Check[] = [
  {
    id: 'tls.used',
    title: 'Calls go over TLS',
    needs: needsUrl,
    run: async (patient) => (isTls(patient) ? undefined : 'The address begins with http:.'),
  },
  {
    id: 'tls.certificate',
    title: `The certificate is trusted, and good for ${LEAST_DAYS} days or more`,
    needs: needsTls,
    run: async (patient) => certificateProblem(targetOf(patient).url, patient),
  },
  {
    id: 'tls.hsts',
    title: 'Browsers are told to use only TLS, for half a year or more',
    needs: needsTls,
    run: async (patient) => {
      const { headers } = await targetOf(patient).send({});
      const age = /max-age="?(\d+)/i.exec(String(headers['strict-transport-security'] ?? ''))?.[1];
      if (age === undefined) return 'Strict-Transport-Security is missing.';
      return Number(age) < LEAST_HSTS ? `Its max-age is ${age} seconds.` : undefined;
    },
  },
  {
    id: 'tls.plain',
    title: 'The same address without TLS answers only with a redirect',
    needs: (patient) =>
      needsTls(patient) ??
      (plainOf(patient) ? undefined : 'an address at port 443, or --plain-url'),
    run: async (patient) => {
      const plain = plainOf(patient);
      const answer = plain && (await send(plain, {}).catch(() => undefined));
      if (answer === undefined) return undefined;
      if (answer.status < 300 || answer.status >= 400)
        return `Without TLS it is answered with ${answer.status}.`;
      return /^https:/i.test(String(answer.headers['location']))
        ? undefined
        : 'It redirects to an address without TLS.';
    },
  },
  {
    id: 'headers.cache',
    title: 'No cache keeps denials',
    needs: needsUrl,
    run: async (patient) => {
      const { headers } = await targetOf(patient).send({});
      const cache = String(headers['cache-control'] ?? '');
      if (/\bno-store\b/i.test(cache)) return undefined;
      if (!/\bprivate\b/i.test(cache)) return 'Cache-Control has neither no-store nor private.';
      return /max-age="?0*[1-9]/i.test(cache)
        ? 'Cache-Control lets browsers keep them.'
        : undefined;
    },
  },
  withstood(
    'headers.safe',
    'headers.missing',
    'Answers forbid content sniffing, and do not name their software',
  ),
  withstood('errors.silent', 'errors.telling', 'Errors reveal nothing about the server'),
  withstood('cors.closed', 'cors.reflected', 'Other origins may not read answers'),
  {
    id: 'access.denied',
    title: 'A call without credentials is denied',
    needs: (patient) =>
      needsUrl(patient) ??
      (patient.target?.graphql === true && patient.target.query === undefined
        ? '--query'
        : undefined),
    run: async (patient) => {
      const target = targetOf(patient);
      const answer = await target.send(call(target));
      const { status } = answer;
      if (isAdmitted(target, answer)) return `It is answered with ${status}.`;
      // GraphQL denies with 200, too. Elsewhere an address that nothing is at would be denied to everybody.
      const isDenied = status === 401 || status === 403 || (target.graphql && status === 200);
      return isDenied
        ? undefined
        : `It is answered with ${status}, which does not show that it was denied: name an operation that exists.`;
    },
  },
  withstood('graphql.introspection', 'graphql.introspection', 'Strangers may not read the schema'),
];

/** Connects without trusting the certificate, so that its problem can be reported. */
function certificateProblem(url: URL, { ca, now }: Patient): Promise<string | undefined> {
  const host = bareHost(url.hostname);
  const isName = !/^[\d.]+$|:/.test(host);
  return new Promise((resolve) => {
    const socket = tlsConnect({
      host,
      port: Number(url.port || 443),
      // Nothing is sent: this connection ends once its certificate was seen.
      rejectUnauthorized: false,
      ...(isName && { servername: host }),
      ...(ca !== undefined && { ca }),
    });
    const end = (problem: string | undefined): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(TIMEOUT_MS, () => end('It does not answer.'));
    socket.on('error', (error) => end(`The connection failed: ${error.message}`));
    socket.on('secureConnect', () => {
      if (!socket.authorized)
        return end(`It is not trusted: ${String(socket.authorizationError)}.`);
      const { valid_to: until } = socket.getPeerCertificate();
      const days = Math.floor((Date.parse(until) - now) / DAY);
      // A date that cannot be read is none.
      return end(days >= LEAST_DAYS ? undefined : `It is good for ${days} more days.`);
    });
  });
}
