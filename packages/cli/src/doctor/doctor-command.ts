import { httpUrl } from '../addresses.ts';
import { graphqlProbe, send } from '../attack/probe.ts';
import { type Command, EXIT, type Invocation, UsageError } from '../command.ts';
import { readInput, readText } from '../files.ts';
import { findInventory } from '../find-inventory.ts';
import { ADDRESS_CHECKS } from './address-checks.ts';
import type { Check, Patient } from './check.ts';
import { COVERAGE_CHECKS } from './coverage-checks.ts';
import { SECRET_CHECKS } from './secret-checks.ts';
import { STORE_CHECKS } from './store-checks.ts';

/** What was looked at, and how it is. */
interface Finding {
  readonly id: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly evidence?: string | undefined;
}

export const CHECKS: readonly Check[] = [
  ...COVERAGE_CHECKS,
  ...ADDRESS_CHECKS,
  ...SECRET_CHECKS,
  ...STORE_CHECKS,
];

/** `apisec doctor`: the checklist before production, each line something that can fail. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'goes through the production checklist; each line can fail',
  usage: [
    'doctor ./app.js --url https://api.example.com/orders --jwks jwks.json --redis redis://127.0.0.1:6379',
    "doctor --url https://api.example.com/graphql --graphql --query '{ orders { id } }'",
    'doctor --env-file .env --folder . --token -     (- reads the token from standard input)',
    'doctor … --strict                               what could not be looked at fails as well',
  ],
  options: {
    url: { type: 'string' },
    'plain-url': { type: 'string' },
    except: { type: 'string', multiple: true },
    ca: { type: 'string' },
    graphql: { type: 'boolean' },
    query: { type: 'string' },
    token: { type: 'string' },
    jwks: { type: 'string' },
    redis: { type: 'string' },
    'env-file': { type: 'string' },
    folder: { type: 'string' },
    strict: { type: 'boolean' },
  },
  run: async (invocation) => {
    const { terminal, flag } = invocation;
    const patient = await patientOf(invocation);
    if (CHECKS.every((check) => check.needs(patient) !== undefined)) {
      throw new UsageError('nothing to check: name a module, --url, --jwks or another target.');
    }
    const findings: Finding[] = [];
    for (const check of CHECKS) {
      terminal.progress(check.title);
      const finding = await look(check, patient);
      terminal.progress('');
      findings.push(finding);
      const { outcome, id, title, evidence } = finding;
      const told = evidence === undefined ? title : `${title}: ${evidence}`;
      const tone = outcome === 'failed' ? 'bad' : outcome === 'passed' ? 'good' : 'dim';
      terminal.line(`${outcome.padEnd(7)}  ${id.padEnd(22)}  ${told}`, tone);
    }
    terminal.json({ findings });
    const count = (wanted: Finding['outcome']) =>
      findings.filter(({ outcome }) => outcome === wanted).length;
    const [failed, skipped] = [count('failed'), count('skipped')];
    terminal.line(`${count('passed')} passed, ${failed} failed, ${skipped} skipped.`);
    return failed > 0 || (flag('strict') && skipped > 0) ? EXIT.found : EXIT.ok;
  },
};

async function look(check: Check, patient: Patient): Promise<Finding> {
  const { id, title } = check;
  const missing = check.needs(patient);
  if (missing !== undefined) {
    return { id, title, outcome: 'skipped', evidence: `needs ${missing}` };
  }
  const evidence = await check.run(patient);
  return { id, title, outcome: evidence === undefined ? 'passed' : 'failed', evidence };
}

async function patientOf({ positionals, text, texts, flag }: Invocation): Promise<Patient> {
  const [module] = positionals;
  const address = text('url');
  const url = httpUrl(address);
  if (address !== undefined && url === undefined) {
    throw new UsageError(
      '--url is the address of a protected operation: https://api.example.com/orders',
    );
  }
  const plainAddress = text('plain-url');
  const plain = httpUrl(plainAddress);
  if (plainAddress !== undefined && plain?.protocol !== 'http:') {
    throw new UsageError(
      '--plain-url is the same address without TLS: http://api.example.com:8080/orders',
    );
  }
  const query = text('query');
  if (query !== undefined && !flag('graphql')) {
    throw new UsageError(
      '--query is a GraphQL query that only some callers may run: add --graphql.',
    );
  }
  const authorities = text('ca');
  const ca = authorities === undefined ? undefined : await readText(authorities);
  const given = text('token');
  const token = given === '-' ? (await readInput()).trim() : given;
  return {
    inventory: module === undefined ? undefined : await findInventory(module),
    except: texts('except'),
    // Nothing is sent with the token: it is only read.
    target: url && {
      url,
      graphql: flag('graphql'),
      query: query === undefined ? undefined : graphqlProbe({ query }),
      send: (probe) => send(url, probe, ca),
    },
    plain,
    ca,
    token,
    jwks: text('jwks'),
    redis: text('redis'),
    envFile: text('env-file'),
    folder: text('folder'),
    now: Date.now(),
  };
}
