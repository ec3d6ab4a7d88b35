import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { field } from '../authorization/field.ts';
import { loadObject } from '../authorization/load-object.ts';
import { messageMember, queryParameter } from '../authorization/object-ids.ts';
import { requireOwner } from '../authorization/require-owner.ts';
import { resource } from '../authorization/resource.ts';
import { concurrencyLimit } from '../limits/concurrency-limit.ts';
import { enforce } from './enforce.ts';
import type { Call, CallFacts } from './facts.ts';
import { guard } from './guard.ts';
import { guardMessages, type MessageFacts, type Messages } from './guard-messages.ts';
import { pass } from './outcome.ts';
import { definePolicy } from './policy.ts';

const note = resource({
  name: 'note',
  fields: { id: field.text(), owner: field.text() },
  id: 'id',
  tenant: false,
});
const NOTES = new Map([
  ['1', { id: '1', owner: 'ann', text: 'hers' }],
  ['2', { id: '2', owner: 'bob', text: 'his' }],
]);
const caller = definePolicy({
  name: 'caller',
  role: 'check',
  adds: ['who'],
  check: () => pass({ who: 'ann' }),
});

interface Who {
  readonly who: string;
}

const own = guard<CallFacts & Who & MessageFacts>()
  .use(loadObject(note, { id: messageMember('note', 'id'), load: (id) => NOTES.get(id) }))
  .use(requireOwner(note, { owner: 'owner', caller: ({ who }: Who) => who }));
const share = guard().use(caller).use(guardMessages(own)).use(allowAnonymous());

const HTTP: Call = { protocol: 'http', operation: 'POST /share' };
const request = () => new Request('http://localhost/share', { method: 'POST' });
const peer = { address: undefined, id: undefined };

async function send(call: Call, ...sent: readonly unknown[]) {
  const decision = await share.check(request(), { call, peer });
  if (!decision.allowed) return { codes: [decision.denial.code], messages: undefined };
  const { onMessage } = enforce(decision);
  const codes: (string | undefined)[] = [];
  for (const message of sent) {
    const outcome = await onMessage?.(message);
    codes.push(outcome?.ok ? 'ok' : outcome?.denial.code);
  }
  return { codes, messages: decision.facts.messages };
}

const graphql = (...args: readonly (object | undefined)[]): Call => ({
  protocol: 'graphql',
  operation: 'mutation',
  // What a schema answers are records.
  fields: args.map((each) => ({
    coordinate: 'Mutation.share',
    args: () => each as Readonly<Record<string, unknown>> | undefined,
  })),
});

describe('a message', () => {
  test.each<[string, unknown, string]>([
    ["that names the caller's object", { note: { id: '1' } }, 'ok'],
    ['that names the object of somebody else', { note: { id: '2' } }, 'object.not_owned'],
    ['that names none there is', { note: { id: '3' } }, 'object.not_found'],
    ['without an id', { note: {} }, 'object.id_malformed'],
    ['with a list of ids', { note: { id: ['1'] } }, 'object.id_malformed'],
    ['with a query in place of an id', { note: { id: { $ne: '' } } }, 'object.id_malformed'],
    ['with a list around the object', [{ id: '1' }], 'object.id_malformed'],
    [
      'with an id in a prototype',
      { note: Object.create({ id: '1' }) as object },
      'object.id_malformed',
    ],
    ['that is a text', '{"note":{"id":"1"}}', 'object.id_malformed'],
    ['that is null', null, 'object.id_malformed'],
    ['that is not there', undefined, 'object.id_malformed'],
  ])('%s', async (_name, message, code) => {
    expect((await send(HTTP, message)).codes).toEqual([code]);
  });

  test('is decided alike where it is the arguments of a GraphQL field', async () => {
    const mine = await send(graphql({ note: { id: '1' } }));
    expect(mine.messages?.only().note).toMatchObject({ text: 'hers' });
    expect((await send(graphql({ note: { id: '2' } }))).codes).toEqual(['object.not_owned']);
    expect((await send(graphql(undefined))).codes).toEqual(['object.id_malformed']);
  });

  test('of a GraphQL operation with aliases is denied', async () => {
    const twice = await send(graphql({ note: { id: '1' } }, { note: { id: '2' } }));
    expect(twice.codes).toEqual(['message.repeated']);
  });

  test('gives the handler what was loaded for it', async () => {
    const { messages } = await send(HTTP, { note: { id: '1' } });
    expect(messages?.only().note).toBe(NOTES.get('1'));
  });
});

describe('a stream', () => {
  test('is decided message by message, and each has facts of its own', async () => {
    const first = { note: { id: '1' } };
    const again = { note: { id: '1' } };
    const { codes, messages } = await send(
      { protocol: 'grpc', operation: '/notes.v1.Notes/Share' },
      first,
      again,
      { note: { id: '2' } },
    );
    expect(codes).toEqual(['ok', 'ok', 'object.not_owned']);
    expect((messages as Messages<{ note: unknown }>).of(again).note).toBe(NOTES.get('1'));
    expect(() => messages?.only()).toThrow('several messages');
    expect(() => messages?.of({ note: { id: '1' } })).toThrow('not admitted');
  });

  test('without a message has no facts', async () => {
    const { messages } = await send(HTTP);
    expect(() => messages?.only()).toThrow('no message');
  });

  test('traces the first message alone, however many there are', async () => {
    const decision = await share.check(request(), { call: HTTP, peer });
    const enforcement = enforce(decision);
    let traced = 0;
    for (let count = 0; count < 50; count++) {
      const outcome = await decision.obligations
        .find(({ onMessage }) => onMessage)
        ?.onMessage?.({ note: { id: '1' } });
      traced += outcome?.ok === true ? (outcome.trace?.length ?? 0) : 0;
    }
    expect(enforcement.onMessage).toBeDefined();
    expect(traced).toBe(1);
  });
});

describe('a guard of messages', () => {
  test('sees the facts from before it, and none from behind it', async () => {
    const seen: object[] = [];
    const spy = definePolicy({
      name: 'spy',
      role: 'check',
      check: (_request, facts: object) => {
        seen.push(facts);
        return pass();
      },
    });
    const later = definePolicy({ name: 'later', role: 'check', check: () => pass({ later: 1 }) });
    const guarded = guard()
      .use(caller)
      .use(guardMessages(guard<CallFacts & MessageFacts>().use(spy).use(allowAnonymous())))
      .use(later)
      .use(allowAnonymous());
    const decision = await guarded.check(request(), { call: HTTP, peer });
    await enforce(decision).onMessage?.('hello');
    expect(seen).toEqual([{ call: HTTP, peer, who: 'ann', message: 'hello' }]);
  });

  test('cannot oblige the server to anything, which would be lost', async () => {
    const obliged = definePolicy({
      name: 'obliged',
      role: 'grant',
      check: () => pass({}, { onComplete: () => undefined }),
    });
    const guarded = guard()
      .use(guardMessages(guard<CallFacts & MessageFacts>().use(obliged)))
      .use(allowAnonymous());
    const decision = await guarded.check(request(), { call: HTTP, peer });
    expect(await enforce(decision).onMessage?.({})).toMatchObject({
      ok: false,
      denial: { code: 'policy.invalid_outcome' },
    });
  });

  test('cannot be constructed without a grant, or with a limit', () => {
    expect(() => guardMessages(guard<CallFacts & MessageFacts>() as never)).toThrow('no grant');
    expect(() =>
      guardMessages(
        guard<CallFacts & MessageFacts>()
          .use(concurrencyLimit({ limit: 1, by: () => 'all' }))
          .use(allowAnonymous()) as never,
      ),
    ).toThrow('put concurrencyLimit into the guard of the call');
  });

  test('grants nothing', async () => {
    const alone = guard().use(caller).use(guardMessages(own));
    expect(alone.role).toBe('check');
    expect(await alone.check(request(), { call: HTTP, peer })).toMatchObject({
      denial: { code: 'policy.no_grant' },
    });
  });
});

describe('queryParameter', () => {
  test.each<[string, string, string | undefined]>([
    ['a parameter', '?id=7', '7'],
    ['one that is there twice', '?id=7&id=8', undefined],
    ['one that is missing', '?other=7', undefined],
    ['an encoded one', '?id=a%2Fb', 'a/b'],
  ])('%s', (_name, query, found) => {
    expect(queryParameter('id')(new Request(`http://localhost/notes${query}`))).toBe(found);
  });
});
