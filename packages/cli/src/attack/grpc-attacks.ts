import { gzipSync } from 'node:zlib';
import { type Attack, anyAdmitted, call, isAdmitted, ownHeaders, type Target } from './attack.ts';
import { framed, openStreams } from './grpc-call.ts';
import type { Probe } from './probe.ts';

/** Calls of one connection that a server need not bear. */
const STREAMS = 500;

const needsGrpc = ({ grpc }: Target): string | undefined => (grpc ? undefined : '--grpc');

const body = (...messages: readonly Buffer[]): string => Buffer.concat(messages).toString('base64');

/** A field that no message knows, so that the message is read whatever its type: number 536,870,911, of bytes. */
function unknownField(length: number): Buffer {
  const value = Buffer.alloc(length);
  return Buffer.concat([varint(0xff_ff_ff_ff - 5), varint(length), value]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** The service that the target belongs to: `shop.v1.Orders` of `/shop.v1.Orders/List`. */
const serviceOf = ({ url }: Target): string => url.pathname.split('/')[1] ?? '';

/** A length-delimited field with text. */
const text = (field: number, value: string): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(value.length), Buffer.from(value)]);

const own = (
  target: Target,
  headers: readonly (readonly [string, string])[],
  changed: Probe = {},
) => call(target, [...ownHeaders(target), ...headers], changed);

export const GRPC_ATTACKS: readonly Attack[] = [
  {
    id: 'grpc.metadata',
    owasp: 'API2:2023',
    title: 'Metadata that names a user opens nothing',
    needs: needsGrpc,
    run: (target) =>
      anyAdmitted(
        target,
        ['x-user-id', 'x-forwarded-user', 'x-endpoint-api-userinfo', 'x-forwarded-client-cert'].map(
          (name) => [`A call with ${name}`, call(target, [[name, 'admin']])],
        ),
      ),
  },
  {
    id: 'grpc.unlisted',
    owasp: 'API9:2023',
    title: 'Strangers do not learn which methods exist',
    needs: needsGrpc,
    run: async (target) => {
      for (const path of [`/${serviceOf(target)}/Missing`, '/missing.v1.Missing/Get']) {
        const { label } = await target.send(call(target, [], { path }));
        if (label === 'UNIMPLEMENTED' || label === 'OK')
          return `${path} is answered with ${label}.`;
      }
      return undefined;
    },
  },
  {
    id: 'grpc.reflection',
    owasp: 'API9:2023',
    title: 'Strangers may not read the services (reflection)',
    needs: needsGrpc,
    run: (target) =>
      anyAdmitted(
        target,
        ['v1', 'v1alpha'].map((version) => {
          const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
          return [path, call(target, [], { path, body: body(framed(text(7, '*'))) })];
        }),
      ),
  },
  {
    id: 'grpc.health',
    owasp: 'API9:2023',
    title: 'Strangers may not ask whether a single service is healthy',
    needs: needsGrpc,
    run: (target) =>
      anyAdmitted(
        target,
        ['Check', 'Watch'].map((name) => {
          const path = `/grpc.health.v1.Health/${name}`;
          return [path, call(target, [], { path, body: body(framed(text(1, serviceOf(target)))) })];
        }),
      ),
  },
  {
    id: 'grpc.deadline',
    owasp: 'API4:2023',
    title: 'Malformed deadlines are denied',
    needs: needsGrpc,
    run: (target) =>
      anyAdmitted(
        target,
        ['soon', '-1S', '999999999S', '1 S'].map((value) => [
          `A call with the deadline ${value}`,
          own(target, [['grpc-timeout', value]]),
        ]),
      ),
  },
  {
    id: 'grpc.oversized',
    owasp: 'API4:2023',
    title: 'Oversized messages are denied',
    needs: needsGrpc,
    run: (target) => {
      const large = unknownField(5 * 1024 * 1024);
      const zipped = framed(gzipSync(unknownField(32 * 1024 * 1024)), true);
      return anyAdmitted(target, [
        ['A message of 5 MiB', own(target, [], { body: body(framed(large)) })],
        [
          'A message that is 32 MiB once it is decompressed',
          own(target, [['grpc-encoding', 'gzip']], { body: body(zipped) }),
        ],
      ]);
    },
  },
  {
    id: 'grpc.framing',
    owasp: 'API8:2023',
    title: 'Wrongly framed calls are denied',
    needs: needsGrpc,
    run: (target) => {
      const honest = Buffer.from(target.query?.body ?? '', 'base64');
      return anyAdmitted(target, [
        [
          'A call that ends within a message',
          own(target, [], { body: body(honest, Buffer.from([0, 0])) }),
        ],
        ['A unary call of two messages', own(target, [], { body: body(honest, honest) })],
        ['A call of another content type', own(target, [['content-type', 'text/plain']])],
      ]);
    },
  },
  {
    id: 'grpc.streams',
    owasp: 'API4:2023',
    title: 'A connection has a bounded number of calls',
    needs: needsGrpc,
    run: async (target) => {
      const open = await openStreams(target.url, ownHeaders(target), STREAMS);
      return open === STREAMS ? `${open} calls of one connection are open at a time.` : undefined;
    },
  },
  {
    id: 'grpc.telling',
    owasp: 'API8:2023',
    title: 'Statuses reveal nothing about the server',
    needs: needsGrpc,
    run: async (target) => {
      const broken = body(framed(Buffer.from([0xff, 0xff, 0xff])));
      const answer = await target.send(own(target, [], { body: broken }));
      if (isAdmitted(target, answer)) return undefined;
      const [message = ''] = answer.body.split('\n');
      return /\n\s+at .+:\d+|node_modules|index out of range|wire type/i.test(answer.body)
        ? `A message that cannot be read is answered with "${message.slice(0, 100)}".`
        : undefined;
    },
  },
];
