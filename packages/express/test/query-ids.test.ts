import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  field,
  guard,
  type HttpFacts,
  loadObject,
  queryParameter,
  resource,
} from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';

const note = resource({ name: 'note', fields: { id: field.text() }, id: 'id', tenant: false });
const notes = guard<HttpFacts>()
  .use(loadObject(note, { id: queryParameter('id'), load: (id) => ({ id }) }))
  .use(allowAnonymous());

test('the query of a denied call, however it names the id, reaches no handler of the extended parser', async () => {
  const app = express();
  app.set('query parser', 'extended');
  const read: unknown[] = [];
  app.get('/notes', secure(notes), (request, response) => {
    read.push(request.query['id']);
    response.json({});
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`;
  const names = [
    'id',
    'id[]',
    'id[0]',
    'id[a]',
    'id[a][b]',
    '[id]',
    'id%5B%5D',
    '%5Bid%5D',
    'id[]a',
    'id[',
    '[id]x',
    '[id][]',
    'i%64',
    'id]',
  ];
  for (const name of names) {
    const { status } = await fetch(`${base}?id=A&${name}=x`);
    expect([name, status]).toEqual([name, name === 'id]' ? 200 : 400]);
  }
  expect((await fetch(`${base}?id=A&x[id]=B`)).status).toBe(200);
  // What reaches the handler has the one id that was decided.
  expect(new Set(read)).toEqual(new Set(['A']));
});
