import type {
  Admission,
  CertificateFacts,
  Decision,
  Denial,
  HttpFacts,
  MaybePromise,
  RequestIdFacts,
  RequestLike,
  TransportFacts,
} from '@apisec/core';
import {
  chain,
  type DenialLog,
  type Enforcement,
  enforce,
  fault,
  holdHeaders,
  lacksHost,
  type NodeHead,
  withDenialLog,
} from '@apisec/core/host';
import { isTargetClear, isUpgrade, type NodeIncoming, wereHeadersDropped } from './request.ts';
import { isDisconnected, type NodeResponse, onEnd } from './response.ts';
import { unseenUpgrade } from './upgrade.ts';
import { watchIncoming } from './watch-incoming.ts';

const UNCLEAR: Denial = Object.freeze({ kind: 'malformed', code: 'call.target_unclear' });
const DROPPED: Denial = Object.freeze({ kind: 'malformed', code: 'call.headers_dropped' });
const NO_HOST: Denial = Object.freeze({ kind: 'malformed', code: 'host.missing' });

/**
 * Decides a call, at once where the guard does. Denies with `call.unattested` when `supply` throws: it runs
 * callbacks of the application, and who calls what must be known before anybody is let in. Denies with
 * `call.target_unclear` (400) a target whose path policies and routers would read differently, and with
 * `call.headers_dropped` (400) a request of which Node has not kept all header fields, and with `host.missing` (400)
 * one of HTTP/1.1 without `Host`, which reaches no handler unless the server has `requireHostHeader: false`.
 */
export function decideCall<Facts extends object>(
  admission: Admission<HttpFacts, Facts>,
  view: RequestLike,
  incoming: NodeIncoming,
  supply: () => HttpFacts & CertificateFacts & TransportFacts & RequestIdFacts,
  log?: DenialLog,
): MaybePromise<Decision<Facts>> {
  if (!isTargetClear(view)) return undecided(UNCLEAR, log);
  if (wereHeadersDropped(incoming)) return undecided(DROPPED, log);
  if (lacksHost(incoming)) return undecided(NO_HOST, log);
  return chain<Decision<Facts>, Decision<Facts>>(
    () => admission.check(view, supply()),
    (decision) => withDenialLog(decision, log, view),
    (cause) => undecided(fault('call.unattested', cause), log),
  );
}

/** A denial of the adapter itself, before any policy ran. */
export function undecided(denial: Denial, log?: DenialLog): Decision<never> {
  return withDenialLog<never>(
    { allowed: false, denial, obligations: [], trace: [], gathered: {} },
    log,
  );
}

/** One decided call on its way through a Node framework. */
export interface NodeCall extends Pick<Enforcement, 'onMessage' | 'onRelease'> {
  /** The denial to render, where there is one: of the decision, or noted since. */
  readonly denial: Denial | undefined;
  /** Remembers a denial after the decision (of a message, of a payload) for `onComplete`. */
  readonly note: (denial: Denial) => void;
  /**
   * Runs the handler, unless the caller has disconnected: then the call is over and `onComplete` knows it, and
   * nothing would tell the handler any more. Where a policy holds a place for the call, Node is given a turn first to
   * hear of callers who left right behind their request.
   */
  readonly enter: (handler: () => void) => void;
}

/**
 * Does what a decision obliges every Node adapter to do, whatever its framework: applies the headers, watches
 * the body, and tells `onComplete` when the response, or the connection of an upgrade, has ended. What is left to the
 * adapter is to render `denial` in its framework's manner, or to show bodies to `onMessage` and `onRelease`.
 *
 * @param onFault called with what an `onComplete` threw, and with denials that are the server's own fault.
 */
export function beginCall(
  response: NodeResponse,
  decision: Decision<object>,
  onFault?: (cause: unknown) => void,
): NodeCall {
  const duty = enforce(decision, onFault);
  // Its methods are overloaded; they take what their names say.
  const unsendable = holdHeaders(response as unknown as NodeHead, duty.headers);
  const upgrades = isUpgrade(response.req);
  let entered = false;
  const call = {
    denial: decision.allowed ? undefined : decision.denial,
    note: (denial: Denial): void => {
      if (call.denial !== undefined) return;
      call.denial = denial;
      // Where nobody waits for the end, operators hear of what is the server's fault all the same.
      if (!duty.awaited) duty.complete({ outcome: 'denied', denial });
    },
    onMessage: duty.onMessage,
    onRelease: duty.onRelease,
    enter: (handler: () => void): void => {
      const begin = (): void => {
        if (isDisconnected(response)) return;
        entered = true;
        handler();
      };
      if (duty.confirmConnected) setImmediate(begin);
      else begin();
    },
  };
  const unseen = (): Denial | undefined =>
    upgrades
      ? unseenUpgrade(response.req, duty)
      : duty.body && watchIncoming(response, duty.body, call.note);
  const problem = decision.allowed ? (unsendable ?? unseen()) : undefined;
  if (problem !== undefined) call.note(problem);
  if (duty.awaited) {
    onEnd(response, (aborted) => {
      const { denial } = call;
      // An open connection ends by being closed, and its answer was written past the response.
      const opened = upgrades && entered && !response.headersSent;
      const status = opened ? 101 : response.statusCode;
      const ended = aborted && !opened ? 'aborted' : status >= 500 ? 'failed' : 'succeeded';
      duty.complete({ outcome: denial === undefined ? ended : 'denied', status, denial });
    });
  }
  return call;
}
