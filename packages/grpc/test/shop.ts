import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ChannelCredentials,
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServerOptions,
  type ServiceDefinition,
  type StatusObject,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';

export interface Item {
  readonly text: string;
  readonly index: number;
}

export interface ShopHandlers {
  readonly Get: handleUnaryCall<Item, Item>;
  readonly Collect: handleClientStreamingCall<Item, Item>;
  readonly List: handleServerStreamingCall<Item, Item>;
  readonly Chat: handleBidiStreamingCall<Item, Item>;
}

// What the .proto file says is there; the loader's type cannot.
const loaded = loadPackageDefinition(
  loadSync(join(import.meta.dirname, 'shop.proto'), { defaults: true }),
) as unknown as {
  shop: { v1: Record<'Shop' | 'Admin', { service: ServiceDefinition }> };
};
export const shopService: ServiceDefinition = loaded.shop.v1.Shop.service;
export const adminService: ServiceDefinition = loaded.shop.v1.Admin.service;

export const GET = '/shop.v1.Shop/Get';
export const COLLECT = '/shop.v1.Shop/Collect';
export const LIST = '/shop.v1.Shop/List';
export const CHAT = '/shop.v1.Shop/Chat';
export const RESET = '/shop.v1.Admin/Reset';
/** One method of each kind. */
export const KINDS: readonly string[] = [GET, COLLECT, LIST, CHAT];

/** Answers what it is asked; `List` answers as often as `index` says. */
export const echo: ShopHandlers = {
  Get: (call, callback) => callback(null, call.request),
  Collect: (call, callback) => {
    const texts: string[] = [];
    call.on('data', (item: Item) => texts.push(item.text));
    call.on('end', () => callback(null, { text: texts.join(','), index: texts.length }));
  },
  List: (call) => {
    void (async () => {
      const { text, index: times } = call.request;
      for (let index = 0; index < times && !call.cancelled; index++) {
        const more = call.write({ text, index });
        if (!more) await new Promise((resolve) => call.once('drain', resolve));
      }
      call.end();
    })();
  },
  Chat: (call) => {
    call.on('data', (item: Item) => call.write(item));
    call.on('end', () => call.end());
  },
};

export interface Shop {
  readonly server: Server;
  readonly port: number;
  readonly call: (path: string, options?: CallOptions) => Promise<Answer>;
}

export interface CallOptions {
  readonly messages?: readonly Partial<Item>[];
  readonly metadata?: Metadata | Readonly<Record<string, string>>;
  readonly deadline?: number;
  /** Cancels when so many replies have come. */
  readonly cancelAfter?: number;
  /** Sends no end of messages, so that the call lasts. */
  readonly hold?: boolean;
}

/** What the caller saw. */
export interface Answer {
  readonly code: number;
  readonly details: string;
  readonly replies: readonly Item[];
  /** Initial metadata; a denial before it has none. */
  readonly initial: Metadata | undefined;
  readonly trailing: Metadata;
}

/** A server on a free port, with `interceptors` before its handlers, until the test ends. */
export async function openShop(
  interceptors: readonly ServerInterceptor[],
  handlers: Partial<ShopHandlers> = {},
  options: {
    readonly prepare?: (server: Server) => void;
    readonly host?: string;
    readonly serverCredentials?: ServerCredentials;
    readonly clientCredentials?: ChannelCredentials;
    readonly serverOptions?: ServerOptions;
  } = {},
): Promise<Shop> {
  const server = new Server({ ...options.serverOptions, interceptors: [...interceptors] });
  server.addService(shopService, { ...echo, ...handlers });
  server.addService(adminService, { Reset: echo.Get });
  options.prepare?.(server);
  const host = options.host ?? '127.0.0.1';
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${host}:0`,
      options.serverCredentials ?? ServerCredentials.createInsecure(),
      (error, bound) => (error ? reject(error) : resolve(bound)),
    );
  });
  const client = new Client(
    `${host}:${port}`,
    options.clientCredentials ?? credentials.createInsecure(),
    options.clientCredentials ? { 'grpc.ssl_target_name_override': 'shop.example' } : {},
  );
  onTestFinished(() => {
    client.close();
    server.forceShutdown();
  });
  return { server, port, call: (path, spec = {}) => callShop(client, path, spec) };
}

/** Any kind of call is one of messages in and messages out. */
export function callShop(client: Client, path: string, spec: CallOptions): Promise<Answer> {
  const { messages = [{ text: 'tea', index: 1 }], deadline = 10_000, cancelAfter } = spec;
  const method = shopService['Chat'] as ServiceDefinition[string];
  const metadata = spec.metadata instanceof Metadata ? spec.metadata : new Metadata();
  if (!(spec.metadata instanceof Metadata)) {
    for (const [name, value] of Object.entries(spec.metadata ?? {})) metadata.set(name, value);
  }
  const call = client.makeBidiStreamRequest<Partial<Item>, Item>(
    path,
    method.requestSerialize,
    method.responseDeserialize,
    metadata,
    { deadline: Date.now() + deadline },
  );
  return new Promise((resolve) => {
    const replies: Item[] = [];
    let initial: Metadata | undefined;
    call.on('metadata', (received: Metadata) => {
      initial = received;
      if (cancelAfter === 0) call.cancel();
    });
    call.on('data', (item: Item) => {
      replies.push(item);
      if (replies.length === cancelAfter) call.cancel();
    });
    // The status event says it all; the error event is the same again.
    call.on('error', () => undefined);
    call.on('status', ({ code, details, metadata: trailing }: StatusObject) =>
      resolve({ code, details, replies, initial, trailing }),
    );
    void (async () => {
      for (const message of messages) {
        if (call.destroyed) return;
        if (!call.write(message)) await sleep(0);
      }
      if (spec.hold !== true) call.end();
    })();
  });
}
