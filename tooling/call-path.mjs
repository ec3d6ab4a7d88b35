// Prints the files of this repository that one call of `secure(orders)` on Express runs through, largest share
// first: `node tooling/call-path.mjs`. A first call warms up (keys are fetched, caches are filled, the connection is
// there); then counting starts anew, so that only files of which a function ran in the second call are shown: those
// that every call runs through, those from which it needs a few lines, and those of the policies that this guard has.
// What each file is there for, and why there are not fewer: docs/decisions/042-one-file-for-each-step.md.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { Session } from 'node:inspector/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const source = '--conditions=@apisec/source';

if (!process.execArgv.includes(source)) {
  const { status } = spawnSync(
    process.execPath,
    [source, '--import', 'tsx', import.meta.filename, ...process.argv.slice(2)],
    // As servers run: logs for developers are not on the path.
    { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_ENV: 'production' } },
  );
  process.exit(status ?? 1);
}

// What the example for limits depends on is all that is needed here.
const { resolve } = createRequire(join(root, 'examples/limits/package.json'));
const load = (name) => import(pathToFileURL(resolve(name)).href);
const { default: express } = await load('express');
const { startIssuer, AUDIENCE } = await load('apisec-example-issuer');
const core = await load('@apisec/core');
const { secure } = await load('@apisec/express');

const { issuer, token, close } = await startIssuer();
const orders = core
  .guard()
  .use(core.securityHeaders())
  .use(core.cors({ origins: ['https://app.example.com'] }))
  .use(
    core.authenticateJwt({
      issuer,
      audience: AUDIENCE,
      keys: core.discoverIssuer(issuer, { insecureLoopback: true }),
    }),
  )
  .use(core.allowAuthenticated());
const app = express();
app.get('/orders', secure(orders), (req, res) =>
  res.json({ for: core.factsOf(req, orders).principal.subject }),
);
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');

const headers = { authorization: `Bearer ${await token()}` };
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const call = async () => {
  const request = get({ port: server.address().port, path: '/orders', headers, agent });
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`the call was answered ${response.statusCode}`);
};

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await call();
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
await session.post('Profiler.takePreciseCoverage');
await call();
const { result } = await session.post('Profiler.takePreciseCoverage');
session.disconnect();
agent.destroy();
server.close();
await close();

// `__name` is a helper of the loader that runs TypeScript.
const hasRun = ({ functionName, ranges }) => ranges[0].count > 0 && functionName !== '__name';
const files = result
  .filter(({ url }) => url.startsWith('file:'))
  .map(({ url, functions }) => ({
    file: relative(root, fileURLToPath(url.split('?')[0])),
    ran: functions.filter(hasRun),
  }))
  .filter(({ file, ran }) => /^packages\/[^/]+\/src\//.test(file) && ran.length > 0)
  .map(({ file, ran }) => ({ file, names: ran.map(nameOf), size: sizeOf(ran) }))
  .toSorted((one, other) => other.size - one.size);

function nameOf({ functionName }) {
  return functionName || '(anonymous)';
}

/** Characters of these functions, as the loader has compiled them; those within another count once. */
function sizeOf(functions) {
  let size = 0;
  let end = 0;
  const ranges = functions.map(({ ranges: [range] }) => range);
  for (const { startOffset, endOffset } of ranges.toSorted(
    (one, other) => one.startOffset - other.startOffset,
  )) {
    size += Math.max(0, endOffset - Math.max(startOffset, end));
    end = Math.max(end, endOffset);
  }
  return size;
}

/** The folders of core that are there for every call. What lies elsewhere in it belongs to the policies. */
const isShared = ({ file }) => !/^packages\/core\/src\/(?!engine\/|host\/|lib\/|wire\/)/.test(file);
/** About ten lines of compiled code. What is in `lib` knows neither calls nor policies. */
const FEW_CHARACTERS = 400;
const isHelper = ({ file, size }) =>
  size < FEW_CHARACTERS || file.startsWith('packages/core/src/lib/');

function print(title, shown) {
  console.log(`${title}: ${shown.length} files`);
  for (const { file, names } of shown) console.log(`  ${file.padEnd(54)} ${names.join(' ')}`);
}

const shared = files.filter(isShared);
print(
  'adapter, host and engine',
  shared.filter((each) => !isHelper(each)),
);
print('and small helpers, of which a few lines ran', shared.filter(isHelper));
print(
  `its ${orders.policies.length} policies`,
  files.filter((each) => !isShared(each)),
);
console.log(`${files.length} files`);
