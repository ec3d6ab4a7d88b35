import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consoleFeed } from '@apisec/console';
import { audit, type Completion, jsonLines, memoryLimitStore } from '@apisec/core';
import { usage } from '@apisec/insights';
import { logFile } from '@apisec/node';
import { chainLines } from '@apisec/postgres';
import { startConsole } from './console.ts';
import { startDemo } from './demo.ts';
import { CLIENT_SECRET, SHOP } from './provider.ts';
import { playTraffic } from './traffic.ts';

/** About three calls a second, to look at in the console. */
const PAUSE_MS = 300;
const DEMO = join(import.meta.dirname, '..');
const CLI = '../../packages/cli/bin/apisec.mjs';
const PROTO = join(DEMO, 'proto');

/** Keeps the demo up, prints calls to paste and how each is decided; stops when asked to (Ctrl-C). */
export async function serve(write: (text: string) => void): Promise<void> {
  const feed = consoleFeed();
  const used = usage();
  // A folder that nobody else reads: the trail says who calls what.
  const folder = await mkdtemp(join(tmpdir(), 'apisec-demo-'));
  const log = join(folder, 'audit.log');
  const lines = jsonLines(logFile(log));
  // Yours is of a secret manager, and an auditor has it, too.
  const secret = crypto.getRandomValues(new Uint8Array(32));
  await writeFile(join(folder, 'chain-key'), secret, { mode: 0o600 });
  const file = await open(join(folder, 'trail.jsonl'), 'wx', 0o600);
  const keys = { current: '1', keys: { 1: secret } };
  const chain = chainLines((text) => file.appendFile(text), { keys });
  const trail = audit({ sinks: [feed, used, lines, chain], service: { name: 'shop' } });
  const limitStore = memoryLimitStore();
  const demo = await startDemo(undefined, {
    onCompletion: (completion) => write(`${describe(completion)}\n`),
    audit: trail,
    limitStore,
  });
  const { ports, customers, tokens, shop } = demo;
  const page = await startConsole({ feed, audit: trail, usage: used, shop, limitStore });
  // Made-up callers have servers of their own, so that only your calls are told below.
  const again = await demo.serveAgain();
  const traffic = playTraffic({ ports: again.ports, tokens }, PAUSE_MS);
  const url = (transport: keyof typeof ports): string => `http://127.0.0.1:${ports[transport]}`;
  write(`
The shop is up on six transports, behind one policy: examples/demo/src/policy.ts
The console shows who is denied and why, live, with some made-up traffic:

${page.link}

Paste this block into a second terminal. How each call is decided, and why,
appears here. The token may read orders, and is good for an hour.

TOKEN=${tokens.reader}
AUTH="Authorization: Bearer $TOKEN"
EXPRESS=${url('Express')} FASTIFY=${url('Fastify')}
HONO=${url('Hono')} FETCH=${url('fetch')}
APOLLO=${url('Apollo')} GRPC=127.0.0.1:${ports.gRPC}
call() { printf '\\n## %s\\n' "$1"; shift; curl -sS -i -w '\\n' "$@"; }
call 'Express: open to everyone' $EXPRESS/health
call 'Express: orders, without a token' $EXPRESS/orders
call 'Express: orders, with the token' $EXPRESS/orders -H "$AUTH"
call 'Fastify: placing an order needs another scope' \\
  -X POST $FASTIFY/orders -H "$AUTH"
call 'Hono: the script of a foreign web page' \\
  $HONO/orders -H "$AUTH" -H 'Origin: https://evil.example'
call 'fetch: an endpoint that the policy does not list' $FETCH/debug -H "$AUTH"
call 'Apollo: the same orders' $APOLLO -H "$AUTH" \\
  -H 'Content-Type: application/json' -d '{"query":"{ orders { message } }"}'
call 'Apollo: the preflight of a foreign web page' -X OPTIONS $APOLLO \\
  -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: POST'
printf '\\n## gRPC: the same orders (needs grpcurl)\\n'
if command -v grpcurl; then grpcurl -plaintext -H "$AUTH" \\
  -import-path '${PROTO}' \\
  -proto shop.proto $GRPC shop.v1.Shop/Orders; else echo 'no grpcurl here'; fi
call 'The identity provider: a token for a manager, who may POST /refunds' \\
  ${customers.issuer}/token \\
  -u backoffice:${CLIENT_SECRET} \\
  -d grant_type=client_credentials -d scope=orders:read \\
  -d resource=${SHOP}

The same from a terminal: who was denied and why, which operation is open, which
limit is near, all about one call, and whether the trail is as it was written.

cd '${DEMO}'
export LOG='${log}'
export SHOP_LIMITS='${page.limitsLink}'
export SHOP_CHAIN='${folder}'
apisec() { node --conditions=@apisec/source --import tsx ${CLI} "$@"; }
apisec audit denials $LOG
apisec coverage src/operators.ts --require grant,authentication
apisec limits src/operators.ts --log $LOG
apisec explain ID --log $LOG    # ID: of a request or an event, as listed above
apisec audit verify src/operators.ts --lines $SHOP_CHAIN/trail.jsonl

Ctrl-C stops it.

`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await traffic.stop();
  await Promise.all([demo.close(), again.close(), page.close()]);
  await trail.close();
  await file.close();
  await rm(folder, { recursive: true, force: true });
}

/** One line about a call: what it was, how it ended, and which policy said so with which code. */
function describe({ outcome, status, denial, facts, trace }: Completion): string {
  // Every adapter supplies `call`, and authenticating policies add `principal`.
  const { call, principal } = facts as {
    readonly call?: { readonly protocol: string; readonly operation?: string | undefined };
    readonly principal?: { readonly subject: string };
  };
  const why = trace.flatMap(({ policy, verdict, denial }) =>
    verdict === 'denied' || verdict === 'would_deny'
      ? [`${verdict === 'denied' ? 'by' : 'would be denied by'} ${policy} ${denial?.code ?? ''}`]
      : [],
  );
  const reason = why.length > 0 ? why.join(', ') : (denial?.code ?? '');
  return [
    outcome.padEnd(9),
    `${call?.protocol ?? ''} ${call?.operation ?? ''}`.padEnd(28),
    String(status ?? '').padEnd(3),
    principal === undefined ? 'anonymous' : `for ${principal.subject}`,
    reason,
  ]
    .join('  ')
    .trimEnd();
}
