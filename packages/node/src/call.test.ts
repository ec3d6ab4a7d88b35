import type { ServerResponse } from 'node:http';
import type { Completion, Decision, Obligations } from '@apisec/core';
import { fault } from '@apisec/core/host';
import { describe, expect, test } from 'vitest';
import { exchange, serveHttp1 } from '../test/servers.ts';
import { beginCall, type NodeCall } from './call.ts';
import { sendDenial } from './response.ts';

const allow = (...obligations: Obligations[]): Decision<object> => ({
  allowed: true,
  facts: { tenant: 't' },
  guard: {},
  obligations,
  trace: [],
});
const deny = (...obligations: Obligations[]): Decision<object> => ({
  allowed: false,
  denial: { kind: 'forbidden', code: 'shop.closed' },
  gathered: {},
  obligations,
  trace: [],
});

/** Serves one call, decided like this, and answers what was told at its end. */
async function serve(
  decide: (duty: Obligations) => Decision<object>,
  handler: (response: ServerResponse, call: NodeCall) => void,
): Promise<readonly Completion[]> {
  const told: Completion[] = [];
  const base = await serveHttp1((_, response) => {
    const decision = decide({ onComplete: (completion) => void told.push(completion) });
    handler(response, beginCall(response, decision));
  });
  await exchange(base, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  // In turns: on a busy machine the timer of one long wait comes before what is to be read.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  return told;
}

describe('a call', () => {
  test.each<[string, number, string]>([
    ['succeeds', 200, 'succeeded'],
    ['succeeds in telling the caller of a fault', 404, 'succeeded'],
    ['fails', 500, 'failed'],
  ])('that is admitted %s', async (_, status, outcome) => {
    const told = await serve(allow, (response, { denial }) => {
      expect(denial).toBeUndefined();
      response.writeHead(status).end();
    });
    expect(told).toMatchObject([{ outcome, status, facts: { tenant: 't' } }]);
  });

  test('that is denied has its denial', async () => {
    const told = await serve(deny, (response, { denial }) => {
      if (denial) sendDenial(response, denial);
    });
    expect(told).toMatchObject([
      { outcome: 'denied', status: 403, denial: { code: 'shop.closed' } },
    ]);
  });

  test('that is denied after its decision is recorded as denied, with the first reason', async () => {
    const told = await serve(allow, (response, call) => {
      call.note(fault('release.unfilterable'));
      call.note(fault('policy.threw'));
      response.writeHead(500).end();
    });
    expect(told).toMatchObject([{ outcome: 'denied', denial: { code: 'release.unfilterable' } }]);
  });

  test('whose headers cannot be sent is denied', async () => {
    const headers = [{ op: 'set', name: 'x', value: '\n' }] as const;
    const told = await serve(
      (duty) => allow({ ...duty, headers }),
      (response, { denial }) => {
        if (denial) sendDenial(response, denial);
      },
    );
    expect(told).toMatchObject([{ outcome: 'denied', denial: { code: 'policy.invalid_outcome' } }]);
  });

  test('that is cut is aborted', async () => {
    expect(await serve(allow, (response) => void response.destroy())).toMatchObject([
      { outcome: 'aborted' },
    ]);
  });

  test('without listeners for its end registers no listeners', async () => {
    let listeners: number[] = [];
    await serve(
      () => allow({ headers: [] }),
      (response) => {
        listeners = [response.listenerCount('finish'), response.listenerCount('close')];
        response.end();
      },
    );
    const plain: number[] = [];
    const base = await serveHttp1((_, response) => {
      plain.push(response.listenerCount('finish'), response.listenerCount('close'));
      response.end();
    });
    await fetch(base);
    expect(listeners).toEqual(plain);
  });
});
