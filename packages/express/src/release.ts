import type { Denial } from '@apisec/core';
import {
  type Enforcement,
  fault,
  isJson,
  isThenable,
  type ReleasedText,
  recordFormat,
  releaseText,
} from '@apisec/core/host';
import { closeRelease, dropBodyHeaders } from '@apisec/node';
import type { Response } from 'express';

/**
 * Shows every JSON body that goes through `send` (`json`, `send`, `jsonp` without a callback) to the policies,
 * as the text that would be sent, so that nothing a serializer adds escapes them; of NDJSON and streams of events each
 * line and event. All else that the response can be made to emit is denied where the bytes would leave.
 */
export function filterRelease(
  response: Response,
  onRelease: NonNullable<Enforcement['onRelease']>,
  note: (denial: Denial) => void,
): void {
  const gate = closeRelease(response, note, onRelease);
  const send = response.send.bind(response) as (...args: readonly unknown[]) => Response;
  const unfilterable = (cause?: unknown) => gate.deny(fault('release.unfilterable', cause));
  const conclude = (released: ReleasedText, body: string, rest: readonly unknown[]) => {
    if (!released.ok) {
      gate.deny(released.denial);
      return;
    }
    if (!gate.open()) return;
    // What describes the old body tells those who may not see it whether they have guessed it.
    if (released.text !== body) dropBodyHeaders(response);
    try {
      send(released.text, ...rest);
    } catch (cause) {
      unfilterable(cause);
    }
  };
  response.send = (...args: readonly unknown[]) => {
    const [body, ...rest] = args;
    if (gate.state() === 'denied') return response;
    // Anything else than text and bytes comes back here as the text that `json` made of it.
    if (gate.state() === 'open' || !(typeof body === 'string' || ArrayBuffer.isView(body))) {
      return send(...args);
    }
    if (body === '') return send(...args);
    const headers = { get: (name: string) => response.get(name) };
    if (recordFormat(headers) !== undefined) {
      // Not by way of Express, which would tell the length and hash of what is not filtered yet.
      response.end(body);
      return response;
    }
    if (typeof body !== 'string' || !isJson(headers)) {
      unfilterable();
      return response;
    }
    const released = releaseText(onRelease, body);
    if (isThenable(released)) void released.then((late) => conclude(late, body, rest));
    else conclude(released, body, rest);
    return response;
  };
  // What these two write is the name of a status, or the target that stands in `Location` anyway.
  for (const name of ['sendStatus', 'redirect'] as const) {
    const method = response[name].bind(response) as (...args: readonly unknown[]) => never;
    response[name] = (...args: readonly unknown[]) => {
      gate.open();
      try {
        return method(...args);
      } catch (cause) {
        gate.close();
        throw cause;
      }
    };
  }
}
