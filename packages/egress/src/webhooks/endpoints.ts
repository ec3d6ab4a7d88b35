import { randomBytes, randomUUID } from 'node:crypto';
import { type Deny, deny, type WebhookEndpoint, type WebhookOutbox } from '@apisec/core';
import { assertOneOf, equalInConstantTime, parseUrl } from '@apisec/core/host';
import type { Attempts } from './attempts.ts';
import {
  type IssuedWebhookKey,
  isCurrent,
  type SigningKeys,
  type WebhookAlgorithm,
} from './signing-keys.ts';

/** An endpoint to add. */
export interface NewWebhookEndpoint<Algorithm extends WebhookAlgorithm> {
  readonly url: string;
  readonly tenant: string;
  /** 1 to 128 letters, digits, `_` and `-`. Default: a new one. */
  readonly id?: string | undefined;
  /** Default: `hmac-sha256`. */
  readonly algorithm?: Algorithm | undefined;
}

/** Looks after endpoints. */
export interface Endpoints {
  readonly add: <Algorithm extends WebhookAlgorithm>(
    endpoint: NewWebhookEndpoint<Algorithm>,
  ) => Promise<{ readonly endpoint: WebhookEndpoint } & IssuedWebhookKey<Algorithm>>;
  readonly challenge: (id: string) => Promise<{ readonly ok: true } | Deny>;
  readonly rotate: <Algorithm extends WebhookAlgorithm>(
    id: string,
    overlapMs: number,
    algorithm: Algorithm | undefined,
  ) => Promise<IssuedWebhookKey<Algorithm>>;
  readonly disable: (id: string, reason: string) => Promise<void>;
}

/** For ids of endpoints and messages. */
export const ID: RegExp = /^[A-Za-z0-9_-]{1,128}$/;
const LONGEST_URL = 2_048;
/** Keys that sign at once. */
const MOST_KEYS = 4;
/** Each lost to a change by somebody else. */
const MOST_TRIES = 20;
const ALGORITHMS: readonly WebhookAlgorithm[] = ['hmac-sha256', 'ed25519'];

export function endpoints(
  where: string,
  outbox: WebhookOutbox,
  keys: SigningKeys,
  post: Attempts['post'],
  now: () => number,
): Endpoints {
  const unknown = (id: string) =>
    new RangeError(`${where}: there is no endpoint ${JSON.stringify(id)}.`);

  /** Changes the stored row, even under concurrent changes; undefined if there is nothing to change. */
  const change = async (
    id: string,
    make: (stored: WebhookEndpoint) => WebhookEndpoint | undefined,
  ): Promise<WebhookEndpoint | undefined> => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const stored = await outbox.getEndpoint(id);
      if (stored === undefined) throw unknown(id);
      const changed = make(stored);
      if (changed === undefined) return undefined;
      const next = { ...changed, version: randomUUID() };
      if (await outbox.replaceEndpoint(next, stored.version)) return next;
    }
    throw new Error(`${where}: others keep changing the endpoint; try again.`);
  };

  return {
    add: async <Algorithm extends WebhookAlgorithm>({
      url,
      tenant,
      id = randomUUID(),
      // The default of the type as well.
      algorithm = 'hmac-sha256' as Algorithm,
    }: NewWebhookEndpoint<Algorithm>) => {
      assertOneOf(where, 'algorithm', algorithm, ALGORITHMS);
      if (!ID.test(id)) {
        throw new TypeError(
          `${where}: the id of an endpoint must be 1 to 128 letters, digits, _ and -.`,
        );
      }
      if (typeof url !== 'string' || url.length > LONGEST_URL || parseUrl(url) === undefined) {
        throw new TypeError(`${where}: url must be a URL of at most ${LONGEST_URL} characters.`);
      }
      const { kept, issued } = await keys.make(id, algorithm);
      const endpoint: WebhookEndpoint = {
        id,
        tenant,
        url,
        secrets: [kept],
        status: 'unverified',
        version: randomUUID(),
      };
      if (!(await outbox.insertEndpoint(endpoint))) {
        throw new RangeError(`${where}: an endpoint ${JSON.stringify(id)} already exists.`);
      }
      return { endpoint, ...issued };
    },
    challenge: async (id) => {
      const endpoint = await outbox.getEndpoint(id);
      if (endpoint === undefined) return deny('not_found', 'webhook.endpoint_unknown');
      const challenge = randomBytes(24).toString('base64url');
      const body = JSON.stringify({ type: 'webhook.challenge', data: { challenge } });
      let cause: unknown;
      try {
        const response = await post(endpoint, `msg_${randomUUID()}`, body);
        const answer = await response.text();
        if (response.ok && isAnswer(answer, challenge)) {
          // The keys may be others by now, but not whom they belong to. Who disabled it meanwhile means it.
          const verified = await change(id, (stored) =>
            stored.url === endpoint.url &&
            (stored.status !== 'disabled' || endpoint.status === 'disabled')
              ? { ...stored, status: 'active', reason: undefined }
              : undefined,
          );
          if (verified !== undefined) return { ok: true };
          cause = 'the endpoint has another URL by now, or was disabled';
        } else cause = `status ${response.status}`;
      } catch (error) {
        cause = error;
      }
      return deny('upstream', 'webhook.challenge_failed', {
        detail: 'The endpoint did not answer its challenge.',
        cause,
      });
    },
    rotate: async <Algorithm extends WebhookAlgorithm>(
      id: string,
      overlapMs: number,
      algorithm: Algorithm | undefined,
    ) => {
      const stored = await outbox.getEndpoint(id);
      if (stored === undefined) throw unknown(id);
      const [newest] = stored.secrets;
      if (algorithm === undefined && newest?.algorithm === 'ed25519') {
        throw new TypeError(
          `${where}: the endpoint has an ed25519 key; say which algorithm the next key is for.`,
        );
      }
      // The default of the type as well.
      const wanted = algorithm ?? ('hmac-sha256' as Algorithm);
      assertOneOf(where, 'algorithm', wanted, ALGORITHMS);
      const { kept, issued } = await keys.make(id, wanted);
      const expiresAtMs = now() + overlapMs;
      await change(id, (current) => ({
        ...current,
        secrets: [
          kept,
          ...current.secrets
            .filter((each) => isCurrent(each, now()))
            .slice(0, MOST_KEYS - 1)
            .map((each) => ({
              ...each,
              expiresAtMs: Math.min(each.expiresAtMs ?? expiresAtMs, expiresAtMs),
            })),
        ],
      }));
      return issued;
    },
    disable: async (id, reason) => {
      await change(id, (stored) => ({ ...stored, status: 'disabled', reason }));
    },
  };
}

/** The challenge as text, or as `{ "challenge": "…" }`. */
function isAnswer(text: string, challenge: string): boolean {
  let answer: unknown = text.trim();
  try {
    answer = (JSON.parse(text) as { challenge?: unknown } | null)?.challenge ?? answer;
  } catch {
    // Plain text.
  }
  return equalInConstantTime(String(answer), challenge);
}
