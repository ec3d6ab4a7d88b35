import type { TicketRecord, TicketStore } from '@apisec/core';
import {
  changeListed,
  lifeUntil,
  listedFor,
  listedScript,
  listScript,
  type RedisClockedStoreOptions,
} from '../connection/expiring-list.ts';
import { keyPart, namedKey, tagOf } from '../connection/key.ts';
import { script } from '../connection/script.ts';
import { type Run, serverOf } from '../connection/server.ts';

/** ARGV: how long it lives, whose it is, the ticket. */
const insertScript = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'row', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`);

/** A script, so that it goes the way of the others: to the master, and in order. */
const readScript = script(`return redis.call('HGET', KEYS[1], 'row')`);

const takeScript = script(`
local row = redis.call('HGET', KEYS[1], 'row')
if row then redis.call('DEL', KEYS[1]) end
return row
`);

/** ARGV: whose it must be. */
const removeScript = script(`
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

const NAME = 'redisTicketStore';

/**
 * Keeps tickets on Redis, Valkey or Redis Cluster, for all processes: one script for each step, so of many who take a
 * ticket exactly one gets it, and an end to each by the server's own clock. It holds hashes only. `insert` takes two
 * round trips where a ticket has a subject, `removeBySubject` one and one for every 128 tickets; where it rejects, some
 * may be gone, and it is to be called again.
 *
 * Ends go by the clock of the server: a ticket lasts as long as the process says that wrote it, whatever the clocks of
 * processes show.
 *
 * A ticket that was taken with its reply lost is gone: its holder begins again, and nobody has used it twice. The
 * server must not evict (`maxmemory-policy noeviction`): a ticket that is pushed out is unknown, and one of which the
 * list is pushed out is missed by `removeBySubject`. After a step back, as to a replica that was behind, the last
 * ticket is good again.
 *
 * @throws ConfigurationError when the client could send a command twice, or an option is out of range.
 * @example
 * const tickets = redisTicketStore({ client: connectRedis('redis://127.0.0.1:6379') });
 */
export function redisTicketStore(options: RedisClockedStoreOptions): TicketStore {
  const { prefix, run } = serverOf(NAME, options, ['now']);
  const lifeOf = lifeUntil(NAME, options);
  /** The part alone names the key, so that lists hold parts. */
  const rowOf = (part: string): string => `${prefix}:{${tagOf(part)}}:ticket:${part}`;
  const listOf = (owner: string): string => `${prefix}:{${tagOf(owner)}}:ticket-subject:${owner}`;
  const onRow = (script_: Run['script'], part: string, ...args: readonly string[]) =>
    run({ script: script_, keys: [rowOf(part)], args });

  return Object.freeze<TicketStore>({
    insert: async (ticket) => {
      const part = keyPart(ticket.id);
      const life = lifeOf(ticket.expiresAt);
      const owner = ticket.subject === undefined ? '' : namedKey(ticket.purpose, ticket.subject);
      if (owner !== '') {
        // First, so that there is no ticket that is not listed. Where the id is taken this lists a ticket of somebody
        // else; whoever removes it looks whose it is.
        const args = [listedFor(life), part];
        await run({ script: listScript, keys: [listOf(owner)], args });
      }
      const added = await onRow(insertScript, part, String(life), owner, JSON.stringify(ticket));
      return added === 1;
    },
    read: async (id) => readTicket(await onRow(readScript, keyPart(id)), id),
    take: async (id) => readTicket(await onRow(takeScript, keyPart(id)), id),
    removeBySubject: async (purpose, subject) => {
      const owner = namedKey(purpose, subject);
      const answer = await run({ script: listedScript, keys: [listOf(owner)], args: [] });
      return changeListed(answer, (part) => onRow(removeScript, part, owner));
    },
  });
}

function readTicket(answer: unknown, id: string): TicketRecord | undefined {
  if (answer === null) return undefined;
  // Only this store writes here; the id is looked at so that a mix-up is nobody else's ticket.
  const ticket = JSON.parse(Buffer.from(answer as Buffer).toString()) as TicketRecord;
  if (ticket.id !== id) throw new Error(`${NAME}: the record belongs to another ticket.`);
  return ticket;
}
