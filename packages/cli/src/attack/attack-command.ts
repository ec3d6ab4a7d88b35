import { writeFile } from 'node:fs/promises';
import { headerValue, httpUrl, isLoopback } from '../addresses.ts';
import { type Command, EXIT, UsageError } from '../command.ts';
import { readInput } from '../files.ts';
import { call, credentials, isAdmitted, nameOf, type Target } from './attack.ts';
import { ATTACKS } from './attacks.ts';
import { readDpop } from './dpop.ts';
import { framed, sendGrpc } from './grpc-call.ts';
import { toJunit } from './junit.ts';
import { type Answer, graphqlProbe, type Probe, send } from './probe.ts';
import { type Result, resultOf } from './result.ts';
import { toSarif } from './sarif.ts';

/** `apisec attack`: tries common attacks on an operation of your own. */
export const attackCommand: Command = {
  name: 'attack',
  summary: 'tries common attacks on an operation of your own, over HTTP, GraphQL or gRPC',
  usage: [
    'attack http://localhost:3000/orders --i-own-this [--token …] [--cookie …] [--burst 200]',
    'attack http://localhost:3000/orders --i-own-this --token - --dpop-key key.json ' +
      '[--dpop-origin https://api.example.com]',
    "attack http://localhost:4000/ --i-own-this --graphql '{ orders { id } }' [--token …] [--burst 200]",
    'attack http://localhost:50051/shop.v1.Orders/List --i-own-this --grpc [--message CgEx] [--token …]',
    'attack https://staging.example.com/orders --i-own-this --remote --junit attack.xml --sarif attack.sarif',
  ],
  options: {
    'i-own-this': { type: 'boolean' },
    remote: { type: 'boolean' },
    token: { type: 'string' },
    'dpop-key': { type: 'string' },
    'dpop-origin': { type: 'string' },
    cookie: { type: 'string' },
    graphql: { type: 'string' },
    grpc: { type: 'boolean' },
    message: { type: 'string' },
    burst: { type: 'string' },
    junit: { type: 'string' },
    sarif: { type: 'string' },
  },
  run: async ({ positionals, flag, text, terminal }) => {
    const url = targetOf(positionals[0], flag('i-own-this'), flag('remote'));
    const query = queryOf(text('graphql'), flag('grpc'), text('message'));
    const given = text('token');
    const token = given === '-' ? (await readInput()).trim() : given;
    const plain = (probe: Probe): Promise<Answer> =>
      flag('grpc') ? sendGrpc(url, probe) : send(url, probe);
    const keyFile = text('dpop-key');
    if (flag('grpc') && keyFile !== undefined) {
      throw new UsageError('--dpop-key is for HTTP; leave it out with --grpc.');
    }
    const origin = originOf(text('dpop-origin')) ?? url.origin;
    const dpop = keyFile === undefined ? undefined : await readDpop(keyFile, url, origin, plain);
    const target: Target = {
      url,
      query,
      token: headerValue('--token', token),
      dpop,
      cookie: headerValue('--cookie', text('cookie')),
      graphql: text('graphql') !== undefined,
      grpc: flag('grpc'),
      burst: burstOf(text('burst')),
      onProgress: terminal.progress,
      send: dpop?.send ?? plain,
    };
    await assertAdmitted(target);
    const results: Result[] = [];
    for (const attack of ATTACKS) {
      terminal.progress(attack.title);
      const missing = attack.needs?.(target);
      const evidence = missing === undefined ? await attack.run(target) : `needs ${missing}`;
      const outcome = missing === undefined ? (evidence ? 'succeeded' : 'withstood') : 'skipped';
      terminal.progress('');
      results.push(resultOf(attack, outcome, evidence));
      const tone = outcome === 'succeeded' ? 'bad' : outcome === 'skipped' ? 'dim' : 'good';
      const told = evidence === undefined ? attack.title : `${attack.title}: ${evidence}`;
      terminal.line(`${outcome.padEnd(9)}  ${attack.owasp}  ${attack.id}  ${told}`, tone);
    }
    terminal.json({ target: url.origin + url.pathname, results });
    const [junit, sarif] = [text('junit'), text('sarif')];
    if (junit !== undefined) await writeFile(junit, toJunit(results));
    if (sarif !== undefined) {
      const uri = url.origin + url.pathname;
      await writeFile(sarif, `${JSON.stringify(toSarif(results, uri), null, 2)}\n`);
    }
    return results.some(({ outcome }) => outcome === 'succeeded') ? EXIT.found : EXIT.ok;
  },
};

/** If honest calls do not pass, denied attacks show nothing. */
async function assertAdmitted(target: Target): Promise<void> {
  for (const headers of credentials(target)) {
    const answer = await target.send(call(target, headers));
    if (isAdmitted(target, answer)) continue;
    throw new UsageError(
      `the operation is denied with your credentials as well (${nameOf(answer)}), so attacks on ` +
        'it would show nothing. Name one that they may call.',
    );
  }
}

function targetOf(address: string | undefined, isOwned: boolean, isRemote: boolean): URL {
  const url = httpUrl(address);
  if (url === undefined) {
    throw new UsageError('name the address of a protected operation: http://localhost:3000/orders');
  }
  if (!isOwned) {
    throw new UsageError('attack only what is yours, and confirm that with --i-own-this.');
  }
  if (!isRemote && !isLoopback(url.hostname)) {
    throw new UsageError(`${url.hostname} is not this machine. Add --remote if you mean it.`);
  }
  return url;
}

/** What an honest caller sends. */
function queryOf(
  graphql: string | undefined,
  isGrpc: boolean,
  message: string | undefined,
): Probe | undefined {
  if (isGrpc && graphql !== undefined) throw new UsageError('Use --graphql or --grpc, not both.');
  if (!isGrpc && message !== undefined)
    throw new UsageError('--message is for --grpc; leave it out otherwise.');
  if (graphql !== undefined) return graphqlProbe({ query: graphql });
  if (!isGrpc) return undefined;
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(message ?? '')) {
    throw new UsageError('--message must be the serialized message of an honest call, in base64.');
  }
  const body = framed(Buffer.from(message ?? '', 'base64')).toString('base64');
  return { method: 'POST', body };
}

function originOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const url = httpUrl(given);
  if (url === undefined || url.pathname !== '/') {
    throw new UsageError(
      '--dpop-origin must be the origin by which clients call the API: https://api.example.com',
    );
  }
  return url.origin;
}

function burstOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const burst = Number(value);
  if (!Number.isSafeInteger(burst) || burst < 1 || burst > 10_000) {
    throw new UsageError('--burst must be a number of calls from 1 to 10000.');
  }
  return burst;
}
