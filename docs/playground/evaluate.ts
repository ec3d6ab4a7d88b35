import * as core from '@apisec/core';
import { assertAdmission, enforce, graphqlDenial, grpcDenial, httpDenial } from '@apisec/core/host';
import { testIssuer } from '@apisec/core/testing';
import { MAX_CALLS, type PlaygroundState } from './state.ts';

/** What one protocol answered. */
export interface Shown {
  /** The answer to the last call, as it goes over the wire. */
  readonly answer: string;
  /** The decision of the last call with its trace, and what operators learn of it. */
  readonly decision: string;
  /** Every call: `allowed`, or the code. */
  readonly calls: readonly string[];
}

export type Answers =
  | { readonly http: Shown; readonly graphql: Shown; readonly grpc: Shown }
  | { readonly problem: string };

type Protocol = 'http' | 'graphql' | 'grpc';
type Decision = core.Decision<object>;

const GRPC_NAMES: Readonly<Record<number, string>> = {
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  12: 'UNIMPLEMENTED',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
};

/** Makes the policy and a token, sends the calls over each protocol. Never rejects. */
export async function evaluate(state: PlaygroundState): Promise<Answers> {
  try {
    return await run(state);
  } catch (cause) {
    return { problem: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause) };
  }
}

async function run(state: PlaygroundState): Promise<Answers> {
  const issuer = testIssuer();
  const admission = policyFrom(state.policy, issuer);
  assertAdmission(admission, 'playground', ['call', 'peer']);
  const headers = headersFrom(state.headers);
  if (state.token !== 'none') {
    const claims = JSON.parse(state.claims) as Readonly<Record<string, unknown>>;
    const token = await issuer.token(claims, { key: state.token });
    headers.set('authorization', `Bearer ${token}`);
  }
  const shown = async (protocol: Protocol): Promise<Shown> => {
    const calls: string[] = [];
    let answer = '';
    let decision = '';
    for (let call = 0; call < Math.min(state.calls, MAX_CALLS); call++) {
      const made = await admission.check(
        requestOf(protocol, state, headers),
        factsOf(protocol, state),
      );
      calls.push(made.allowed ? 'allowed' : made.denial.code);
      const faults: unknown[] = [];
      const enforcement = enforce(made, (cause) => faults.push(cause));
      const edited = new Headers();
      enforcement.applyHeaders(edited);
      enforcement.complete({ outcome: made.allowed ? 'succeeded' : 'denied' });
      answer = ANSWERS[protocol](made, edited);
      decision = core.explain(made);
    }
    return { answer, decision, calls };
  };
  return { http: await shown('http'), graphql: await shown('graphql'), grpc: await shown('grpc') };
}

/** Runs what the visitor wrote: only ever within the sandbox of the frame. */
function policyFrom(
  code: string,
  issuer: core.TrustedIssuer | object,
): core.Admission<object, object> {
  const scope: Readonly<Record<string, unknown>> = { ...core, issuer };
  const names = Object.keys(scope);
  // oxlint-disable-next-line typescript/no-implied-eval -- The page is for this, and its frame reaches nothing.
  const made: unknown = new Function(...names, `'use strict';\n${code}`)(
    ...names.map((name) => scope[name]),
  );
  // The next step looks at what it is.
  return made as core.Admission<object, object>;
}

function headersFrom(text: string): Headers {
  const headers = new Headers();
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new TypeError(`"${line}" is not a header: write name: value`);
    headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return headers;
}

/** Browsers let no script set some headers of a Request, so policies get a view that has them all. */
function requestOf(protocol: Protocol, { method, path }: PlaygroundState, headers: Headers) {
  const target =
    protocol === 'http' ? path : protocol === 'graphql' ? '/graphql' : '/shop.v1.Orders/List';
  return {
    method: protocol === 'http' ? method : 'POST',
    url: new URL(target, 'https://api.test').href,
    headers,
  };
}

const noArguments = () => ({});

function factsOf(protocol: Protocol, { method, path }: PlaygroundState): core.CallFacts {
  const peer = { address: '192.0.2.1', id: '192.0.2.1' };
  const { pathname } = new URL(path, 'https://api.test');
  const call: Readonly<Record<Protocol, core.Call>> = {
    http: { protocol: 'http', operation: `${method} ${pathname}` },
    graphql: {
      protocol: 'graphql',
      operation: 'query',
      fields: [{ coordinate: 'Query.orders', args: noArguments }],
    },
    grpc: { protocol: 'grpc', operation: '/shop.v1.Orders/List' },
  };
  return { call: call[protocol], peer };
}

const lines = (headers: Headers) => [...headers].map(([name, value]) => `${name}: ${value}`);
const json = (value: unknown) => JSON.stringify(value, null, 2);
const ORDERS = [{ id: '7', total: 42 }];

const ANSWERS: Readonly<Record<Protocol, (made: Decision, headers: Headers) => string>> = {
  http: (made, headers) => {
    if (made.allowed) {
      headers.set('content-type', 'application/json');
      return ['200', ...lines(headers), '', json(ORDERS)].join('\n');
    }
    const { status, headers: own, body } = httpDenial(made.denial);
    for (const [name, value] of own) headers.set(name, value);
    return [`${status}`, ...lines(headers), '', body ? json(JSON.parse(body)) : ''].join('\n');
  },
  graphql: (made) =>
    json(
      made.allowed
        ? { data: { orders: ORDERS } }
        : { errors: [graphqlDenial(made.denial)], data: null },
    ),
  grpc: (made, headers) => {
    if (made.allowed) return [...lines(headers), json(ORDERS), 'grpc-status: 0 OK'].join('\n');
    const { code, message, ...details } = grpcDenial(made.denial);
    return [
      `grpc-status: ${code} ${GRPC_NAMES[code]}`,
      `grpc-message: ${message}`,
      json(details),
    ].join('\n');
  },
};
