import {
  allowAnonymous,
  type CallFacts,
  definePolicy,
  factsOf,
  field,
  type GrpcFacts,
  guard,
  guardMessages,
  loadObject,
  type MessageFacts,
  messageMember,
  pass,
  requireOwner,
  resource,
} from '@apisec/core';
import { secure } from '@apisec/grpc';
import { type ServerDuplexStream, type ServerReadableStream, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { everyKind, recorder } from './guards.ts';
import { CHAT, COLLECT, type Item, openShop, type ShopHandlers } from './shop.ts';

interface Note {
  readonly id: number;
  readonly owner: string;
}

const MALLORYS = 13;
const BROKEN = 500;
const note = resource({
  name: 'note',
  fields: { id: field.integer(), owner: field.text() },
  id: 'id',
  tenant: false,
});
const ownNote = guard<CallFacts & MessageFacts>()
  .use(
    loadObject(note, {
      id: messageMember('index'),
      load: async (id): Promise<Note> => {
        await Promise.resolve();
        if (id === BROKEN) throw new Error('the database is down');
        return { id, owner: id === MALLORYS ? 'mallory' : 'ann' };
      },
    }),
  )
  .use(requireOwner(note, { owner: 'owner', caller: (_facts: CallFacts) => 'ann' }));

/** A shop whose streams answer with the objects that were loaded for their messages. */
async function openNotes() {
  const { completions, onComplete } = recorder();
  const ending = definePolicy({
    name: 'ending',
    role: 'check',
    check: () => pass({}, { onComplete }),
  });
  const notes = guard<GrpcFacts>().use(ending).use(guardMessages(ownNote)).use(allowAnonymous());
  const handled: number[] = [];
  const answerOf = (metadata: object, item: Item): Item => {
    const { id, owner } = factsOf(metadata, notes).messages.of(item).note;
    handled.push(id);
    return { text: owner, index: id };
  };
  const handlers: Pick<ShopHandlers, 'Chat' | 'Collect'> = {
    Chat: (call: ServerDuplexStream<Item, Item>) => {
      call.on('data', (item: Item) => call.write(answerOf(call.metadata, item)));
      call.on('end', () => call.end());
    },
    Collect: (call: ServerReadableStream<Item, Item>, answer) => {
      const texts: string[] = [];
      call.on('data', (item: Item) => texts.push(answerOf(call.metadata, item).text));
      call.on('end', () => answer(null, { text: texts.join(), index: texts.length }));
    },
  };
  const shop = await openShop(
    [secure({ methods: everyKind(notes), onFault: () => undefined })],
    handlers,
  );
  const call = (path: string, ...ids: readonly number[]) =>
    shop.call(path, { messages: ids.map((index) => ({ text: '', index })) });
  return { call, completions, handled };
}

describe('A stream whose messages name objects', () => {
  test('is served with the object of each message', async () => {
    const { call, completions } = await openNotes();
    const chat = await call(CHAT, 1, 2, 1);
    expect(chat.code).toBe(status.OK);
    expect(chat.replies).toEqual([1, 2, 1].map((index) => ({ text: 'ann', index })));
    const collect = await call(COLLECT, 1, 2);
    expect(collect.replies).toEqual([{ text: 'ann,ann', index: 2 }]);
    expect(completions.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
  });

  test.each([
    [CHAT, MALLORYS, status.PERMISSION_DENIED, 'object.not_owned'],
    [COLLECT, MALLORYS, status.PERMISSION_DENIED, 'object.not_owned'],
    [CHAT, BROKEN, status.UNAVAILABLE, 'object.unavailable'],
    [COLLECT, BROKEN, status.UNAVAILABLE, 'object.unavailable'],
  ])('%s ends at a message about object %i with status %i', async (path, id, code, reason) => {
    const { call, completions, handled } = await openNotes();
    const answer = await call(path, 1, id, 2);
    expect(answer.code).toBe(code);
    expect(answer.trailing.get('grpc-status-details-bin').join()).toContain(reason);
    expect(answer.replies.filter(({ index }) => index !== 1)).toEqual([]);
    // Neither the message nor any behind it.
    expect(handled).toEqual([1]);
    expect(completions).toMatchObject([{ outcome: 'denied', denial: { code: reason } }]);
  });
});
