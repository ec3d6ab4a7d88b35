// Prints the files of this repository that one call of `secure(orders)` on Express runs through, largest share
// first: `node tooling/call-path.mjs`. A first call warms up (keys are fetched, caches are filled, the connection is
// there); then counting starts anew, so that only files of which a function ran in the second call are shown: those
// that every call runs through, and those of the policies that this guard has.
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
    { cwd: root, stdio: 'inherit' },
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
app.use(secure(orders));
app.get('/orders', (req, res) => res.json({ for: core.factsOf(req, orders).principal.subject }));
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

const files = result
  .filter(({ url }) => url.startsWith('file:'))
  .map(({ url, functions }) => ({
    file: relative(root, fileURLToPath(url.split('?')[0])),
    // `__name` is a helper of the loader that runs TypeScript.
    ran: functions
      .filter(({ functionName, ranges }) => ranges[0].count > 0 && functionName !== '__name')
      .map((each) => each.functionName),
  }))
  .filter(({ file, ran }) => /^packages\/[^/]+\/src\//.test(file) && ran.length > 0)
  .toSorted((a, b) => b.ran.length - a.ran.length || a.file.localeCompare(b.file));
/** The folders of core that are there for every call. What lies elsewhere in it belongs to the policies. */
const isShared = ({ file }) => !/^packages\/core\/src\/(?!engine\/|host\/|lib\/|wire\/)/.test(file);
const print = (title, shown) => {
  console.log(`${title}: ${shown.length} files`);
  for (const { file, ran } of shown) {
    console.log(`  ${file.padEnd(54)} ${ran.map((name) => name || '(anonymous)').join(' ')}`);
  }
};
print('adapter, host and engine', files.filter(isShared));
print(
  `its ${orders.policies.length} policies`,
  files.filter((each) => !isShared(each)),
);
console.log(`${files.length} files`);
