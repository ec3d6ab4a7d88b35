import { once } from 'node:events';
import files, { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import {
  AUTHORITY,
  createAuthority,
  type Identity,
  SHOP_NAME,
} from '@apisec/conformance/certificates';
import { type CertificateFacts, ConfigurationError, definePolicy, guard, pass } from '@apisec/core';
import {
  channelTls,
  coverServer,
  type GrpcSeed,
  guardService,
  type ServerTlsOptions,
  secure,
  serverTls,
} from '@apisec/grpc';
import { Client, credentials, type ServiceDefinition, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { deferred, everyKind } from './guards.ts';
import { framed, item, rawStream, statusOf } from './raw-http2.ts';
import {
  type Answer,
  adminService,
  CHAT,
  callShop,
  GET,
  type Item,
  openShop,
  type Shop,
  shopService,
} from './shop.ts';

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000 });
const first = await createAuthority('first');
const second = await createAuthority('second');
const shopIdentity = await first.issue('server', [SHOP_NAME]);
const newIdentity = await second.issue('server', [SHOP_NAME]);
const ann = await first.issue('ann');
const bob = await second.issue('bob');

interface Setting {
  readonly shop: Shop;
  readonly tls: ReturnType<typeof serverTls>;
  readonly write: (files: Partial<Record<'cert' | 'key' | 'ca', Buffer>>) => Promise<void>;
  readonly faults: unknown[];
  readonly certificates: CertificateFacts['certificate'][];
  readonly connect: (identity?: Identity, authorities?: Buffer) => Client;
}

async function directory(): Promise<(name: string) => string> {
  const path = await mkdtemp(join(tmpdir(), 'apisec-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return (name) => join(path, name);
}

async function open(
  clientCertificates: ServerTlsOptions['clientCertificates'],
  reload: ServerTlsOptions['reload'] | 'default' = 'never',
): Promise<Setting> {
  const at = await directory();
  const write: Setting['write'] = async (files) => {
    for (const [name, bytes] of Object.entries(files)) await writeFile(at(name), bytes);
  };
  await write({ cert: shopIdentity.cert, key: shopIdentity.key, ca: first.cert });
  const faults: unknown[] = [];
  const tls = serverTls({
    cert: at('cert'),
    key: at('key'),
    ...(clientCertificates === 'none' ? {} : { ca: at('ca') }),
    clientCertificates,
    ...(reload === 'default' ? {} : { reload }),
    onFault: (cause) => faults.push(cause),
  });
  const certificates: CertificateFacts['certificate'][] = [];
  const admission = guard<GrpcSeed>().use(
    definePolicy<CertificateFacts, object, 'grant'>({
      name: 'certificate',
      role: 'grant',
      check: (_, { certificate }) => {
        certificates.push(certificate);
        return pass();
      },
    }),
  );
  const methods = { ...everyKind(admission), ...guardService(adminService, admission) };
  const shop = await openShop(
    [secure({ methods })],
    {},
    {
      prepare: coverServer,
      serverCredentials: tls,
      clientCredentials: credentials.createSsl(first.cert, ann.key, ann.cert),
    },
  );
  const connect: Setting['connect'] = (identity, authorities = first.cert) => {
    const client = new Client(
      `127.0.0.1:${shop.port}`,
      credentials.createSsl(authorities, identity?.key, identity?.cert),
      { 'grpc.ssl_target_name_override': 'shop.example', 'grpc.use_local_subchannel_pool': 1 },
    );
    onTestFinished(() => client.close());
    return client;
  };
  return { shop, tls, write, faults, certificates, connect };
}

const get = (client: Client): Promise<Answer> => callShop(client, GET, { deadline: 3_000 });
const half = (pem: Buffer): Buffer => pem.subarray(0, pem.length / 2);
const bundle = Buffer.concat([first.cert, Buffer.from('\n'), second.cert]);

describe('client certificates', () => {
  test('that are required keep out who has none, or one of another authority', async () => {
    const { connect, certificates } = await open('required');
    expect((await get(connect(ann))).code).toBe(status.OK);
    expect((await get(connect(bob))).code).toBe(status.UNAVAILABLE);
    expect((await get(connect())).code).toBe(status.UNAVAILABLE);
    expect(certificates.map((each) => each && new Uint8Array(each.raw))).toEqual([ann.der]);
  });

  test('that are optional are facts only where an authority vouches for them', async () => {
    const { connect, certificates } = await open('optional');
    expect((await get(connect(ann))).code).toBe(status.OK);
    expect((await get(connect(bob))).code).toBe(status.OK);
    expect((await get(connect())).code).toBe(status.OK);
    expect(certificates.map((each) => each && new Uint8Array(each.raw))).toEqual([
      ann.der,
      undefined,
      undefined,
    ]);
  });

  test('are not asked for where nobody wants them', async () => {
    const { connect, certificates } = await open('none');
    expect((await get(connect(ann))).code).toBe(status.OK);
    expect(certificates).toEqual([undefined]);
  });
});

describe('files that change', () => {
  test('a new certificate is shown to new connections, and none is dropped', async () => {
    const { connect, shop, tls, write, faults } = await open('required');
    const kept = connect(ann);
    const stream = callShop(kept, CHAT, { messages: [], hold: true });
    expect((await get(kept)).code).toBe(status.OK);
    await write({ cert: newIdentity.cert, key: newIdentity.key });
    expect(await tls.reload()).toBe(true);
    expect((await get(kept)).code).toBe(status.OK);
    expect((await get(connect(ann))).code).toBe(status.UNAVAILABLE);
    expect((await get(connect(ann, second.cert))).code).toBe(status.OK);
    expect(faults).toEqual([]);
    shop.server.forceShutdown();
    expect((await stream).code).not.toBe(status.OK);
  });

  test('an authority that is no longer among them ends the connections of its clients', async () => {
    const { connect, tls, write } = await open('required');
    await write({ ca: bundle });
    await tls.reload();
    const [anns, bobs] = [connect(ann), connect(bob)];
    const streams = [anns, bobs].map((client) =>
      callShop(client, CHAT, { messages: [], hold: true }),
    );
    expect((await get(anns)).code).toBe(status.OK);
    expect((await get(bobs)).code).toBe(status.OK);
    const ended: number[] = [];
    void streams[0]?.then(({ code }) => ended.push(code));
    await write({ ca: second.cert });
    await tls.reload();
    await eventually(() => expect(ended).toHaveLength(1));
    expect((await get(bobs)).code).toBe(status.OK);
    expect((await get(anns)).code).toBe(status.UNAVAILABLE);
    expect((await get(connect(ann))).code).toBe(status.UNAVAILABLE);
  });

  test('a hundred calls and ten connections outlast any number of changes and broken files', async () => {
    const { connect, tls, write, faults } = await open('required');
    const clients = Array.from({ length: 10 }, () => connect(ann));
    const { path, requestSerialize, responseDeserialize } = shopService[
      'Chat'
    ] as ServiceDefinition[string];
    const streams = clients.flatMap((client) =>
      Array.from({ length: 10 }, () =>
        client.makeBidiStreamRequest<Partial<Item>, Item>(
          path,
          requestSerialize,
          responseDeserialize,
        ),
      ),
    );
    const [ended, replies]: [unknown[], string[]] = [[], []];
    for (const stream of streams) {
      stream.on('error', (error) => ended.push(error));
      stream.on('data', ({ text }: Item) => replies.push(text));
    }
    const answered = async (text: string): Promise<void> => {
      for (const stream of streams) stream.write({ text });
      await eventually(() => expect(replies.filter((each) => each === text)).toHaveLength(100));
    };
    await answered('before');
    const reload = async (files: Parameters<typeof write>[0], isUsable: boolean): Promise<void> => {
      await write(files);
      expect(await tls.reload()).toBe(isUsable);
      await answered(JSON.stringify([faults.length, isUsable]));
    };
    await reload({ cert: half(newIdentity.cert) }, false);
    await reload({ cert: newIdentity.cert }, false);
    await reload({ key: half(newIdentity.key) }, false);
    await reload({ key: newIdentity.key }, true);
    await reload({ ca: Buffer.concat([second.cert, half(first.cert)]) }, false);
    await reload({ ca: bundle }, true);
    expect((await get(connect(bob, second.cert))).code).toBe(status.OK);
    expect(faults).toHaveLength(4);
    expect(ended).toEqual([]);
  });

  test('are checked once a minute where nothing else is said', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { connect, write } = await open('required', 'default');
    await write({ cert: newIdentity.cert, key: newIdentity.key });
    vi.advanceTimersByTime(59_999);
    expect((await get(connect(ann))).code).toBe(status.OK);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await vi.waitFor(
      async () => expect((await get(connect(ann, second.cert))).code).toBe(status.OK),
      { timeout: 10_000 },
    );
  });

  test('a reading that has begun before does not stand for one that is asked for', async () => {
    const { connect, tls, write } = await open('required');
    const [held, release] = [deferred<void>(), deferred<void>()];
    const { readFile } = files;
    const reading = vi.spyOn(files, 'readFile').mockImplementation(async (path) => {
      const bytes = await readFile(path);
      held.resolve();
      await release.promise;
      return bytes;
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      reading.mockRestore();
      syncBuiltinESMExports();
    });
    const earlier = tls.reload();
    await held.promise;
    await write({ ca: second.cert });
    const asked = tls.reload();
    release.resolve();
    expect([await asked, await earlier]).toEqual([true, true]);
    expect((await get(connect(ann))).code).toBe(status.UNAVAILABLE);
  });

  test('a file that cannot be used is on the log where nobody else hears of it', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    onTestFinished(() => lines.mockRestore());
    const at = await directory();
    await writeFile(at('cert'), shopIdentity.cert);
    await writeFile(at('key'), shopIdentity.key);
    const tls = serverTls({
      cert: at('cert'),
      key: at('key'),
      clientCertificates: 'none',
      reload: 'never',
    });
    await writeFile(at('key'), newIdentity.key);
    expect(await tls.reload()).toBe(false);
    expect(await tls.reload()).toBe(false);
    expect(lines).toHaveBeenCalledTimes(1);
  });

  test.each<[string, Partial<Record<'cert' | 'key' | 'ca', Buffer>>]>([
    ['a bundle that is cut off', { ca: bundle.subarray(0, bundle.length - 40) }],
    ['a bundle that is cut off in its last line', { ca: bundle.subarray(0, bundle.length - 8) }],
    [
      'an authority that is not a certificate',
      {
        ca: Buffer.concat([
          first.cert,
          Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
        ]),
      },
    ],
    ['a chain that is cut off', { cert: Buffer.concat([shopIdentity.cert, half(first.cert)]) }],
    ['a key of another certificate', { key: newIdentity.key }],
    ['half a file', { cert: shopIdentity.cert.subarray(0, 100) }],
    ['an empty file of authorities', { ca: Buffer.alloc(0) }],
  ])('%s changes nothing and is reported', async (_, files) => {
    const { connect, tls, write, faults } = await open('required');
    await write(files);
    expect(await tls.reload()).toBe(false);
    expect(await tls.reload()).toBe(false);
    expect(faults).toHaveLength(2);
    expect((await get(connect(ann))).code).toBe(status.OK);
    expect((await get(connect())).code).toBe(status.UNAVAILABLE);
  });
});

test('a client shows its certificate, and another one once its files change', async () => {
  const { shop, certificates, tls, write } = await open('required');
  await write({ ca: bundle });
  await tls.reload();
  const at = await directory();
  await writeFile(at('ca'), first.cert);
  await writeFile(at('cert'), ann.cert);
  await writeFile(at('key'), ann.key);
  const channel = channelTls({ ca: at('ca'), cert: at('cert'), key: at('key') });
  const connect = (): Client => {
    const client = new Client(`127.0.0.1:${shop.port}`, channel.credentials, {
      'grpc.ssl_target_name_override': 'shop.example',
      'grpc.use_local_subchannel_pool': 1,
    });
    onTestFinished(() => client.close());
    return client;
  };
  expect((await get(connect())).code).toBe(status.OK);
  await writeFile(at('cert'), bob.cert);
  await writeFile(at('key'), bob.key);
  expect(await channel.reload()).toBe(true);
  expect((await get(connect())).code).toBe(status.OK);
  expect(certificates.map((each) => each && new Uint8Array(each.raw))).toEqual([ann.der, bob.der]);
});

test('a client with an intermediate certificate may come back to its session', async () => {
  const { shop, certificates } = await open('required');
  const resumed: boolean[] = [];
  const intermediate = await first.issue('intermediate', [AUTHORITY]);
  const { key, cert } = await intermediate.issue('eve');
  const chain = Buffer.concat([cert, intermediate.cert]);
  const visit = async (earlier?: Buffer): Promise<Buffer | undefined> => {
    let ticket: Buffer | undefined;
    const socket: TLSSocket = connectTls({
      port: shop.port,
      host: '127.0.0.1',
      servername: 'shop.example',
      ca: first.cert,
      key,
      cert: chain,
      ALPNProtocols: ['h2'],
      session: earlier,
    });
    socket.on('session', (session) => (ticket = session));
    await once(socket, 'secureConnect');
    resumed.push(socket.isSessionReused());
    const session = connectHttp2('https://shop.example', { createConnection: () => socket });
    onTestFinished(() => session.destroy());
    const stream = rawStream(session, GET);
    stream.end(framed(item('a')));
    expect(await statusOf(stream)).toBe(status.OK);
    return ticket;
  };
  await visit(await visit());
  expect(resumed).toEqual([false, false]);
  expect(certificates.map((certificate) => certificate?.chain?.length)).toEqual([2, 2]);
});

describe('cannot be constructed', async () => {
  const at = await mkdtemp(join(tmpdir(), 'apisec-'));
  const file = (name: string) => join(at, name);
  await writeFile(file('cert'), shopIdentity.cert);
  await writeFile(file('key'), shopIdentity.key);
  await writeFile(file('ca'), first.cert);
  await writeFile(file('other'), newIdentity.key);
  const cert = file('cert');
  const key = file('key');
  const ca = file('ca');

  test.each<[string, unknown]>([
    ['a file that is not there', { cert: file('none'), key, ca, clientCertificates: 'required' }],
    [
      'a key of another certificate',
      { cert, key: file('other'), ca, clientCertificates: 'required' },
    ],
    ['certificates asked for, and no authorities', { cert, key, clientCertificates: 'optional' }],
    ['authorities, and no certificates asked for', { cert, key, ca, clientCertificates: 'none' }],
    ['no word on client certificates', { cert, key, ca }],
    [
      'authorities that are not certificates',
      { cert, key, ca: key, clientCertificates: 'required' },
    ],
    ['a bare number', { cert, key, ca, clientCertificates: 'required', reload: 1_000 }],
    ['an unknown option', { cert, key, ca, clientCertificates: 'required', passphrase: 'x' }],
  ])('server credentials with %s', (_, options) => {
    expect(() => serverTls(options as ServerTlsOptions)).toThrow(ConfigurationError);
    expect(() => serverTls({ cert, key, ca, clientCertificates: 'required' })).not.toThrow();
  });

  test.each<[string, unknown]>([
    ['no authorities', { cert, key }],
    ['a certificate without its key', { ca, cert }],
    ['an unknown option', { ca, insecure: true }],
  ])('channel credentials with %s', (_, options) => {
    expect(() => channelTls(options as never)).toThrow(ConfigurationError);
    expect(() => channelTls({ ca })).not.toThrow();
  });
});
