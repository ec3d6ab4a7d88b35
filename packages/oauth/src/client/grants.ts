import { withinTime } from '@apisec/core/host';
import * as oauth from 'oauth4webapi';
import { boundedFetch } from '../lib/bounded-fetch.ts';
import { sleep } from '../lib/sleep.ts';
import type { ClientContext } from './asking.ts';
import type { OAuthClient } from './client-types.ts';
import { devicePolling } from './device-flow.ts';
import { denied, unavailable } from './failures.ts';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** How many times the timeout an answer may take that somebody still wants when it is late. */
const LATE = 6;
/** No code of a device is waited for any longer, whatever the issuer says. */
const LONGEST_DEVICE_SECONDS = 86_400;

/** Tokens for what the client has in hand: a refresh token, itself, somebody's token, a code on another device. */
export function grants({
  settings,
  asking,
  parametersOf,
  tokensOf,
}: ClientContext): Pick<
  OAuthClient,
  'refresh' | 'clientCredentials' | 'exchangeToken' | 'deviceAuthorization'
> {
  const { now } = settings;

  const patientFetch = boundedFetch(settings.fetch, settings.timeoutMs * LATE);
  const refresh: OAuthClient['refresh'] = async (refreshToken, request = {}) => {
    const { onLate } = request;
    let send: (() => void) | undefined;
    const sent = new Promise<void>((resolve) => {
      send = resolve;
    });
    const answer = asking('token', async ({ issuer: found, client, auth, request: options }) => {
      send?.();
      const response = await oauth.refreshTokenGrantRequest(
        found.metadata,
        client,
        auth,
        refreshToken,
        {
          ...options,
          ...(onLate && { [oauth.customFetch]: patientFetch }),
          additionalParameters: parametersOf(request, false),
        },
      );
      const tokens = await oauth.processRefreshTokenResponse(found.metadata, client, response);
      return tokensOf(tokens, found, request.scope ?? settings.scope, { subject: request.subject });
    });
    if (onLate === undefined) return answer;
    await Promise.race([answer, sent]);
    return withinTime(answer, settings.timeoutMs).catch((cause: unknown) => {
      onLate(answer);
      return unavailable(cause);
    });
  };

  const clientCredentials: OAuthClient['clientCredentials'] = (request = {}) =>
    asking('token', async ({ issuer: found, client, auth, request: options }) => {
      const scope = request.scope ?? settings.scope.filter((each) => each !== 'openid');
      const parameters = parametersOf({ ...request, scope }, true);
      const response = await oauth.clientCredentialsGrantRequest(
        found.metadata,
        client,
        auth,
        parameters,
        options,
      );
      const tokens = await oauth.processClientCredentialsResponse(found.metadata, client, response);
      return tokensOf(tokens, found, scope);
    });

  const exchangeToken: OAuthClient['exchangeToken'] = (request) =>
    asking('token', async ({ issuer: found, client, auth, request: options }) => {
      const parameters = parametersOf(request, false);
      const { subjectToken, subjectTokenType = ACCESS_TOKEN, actorToken } = request;
      parameters.set('subject_token', subjectToken);
      parameters.set('subject_token_type', subjectTokenType);
      if (actorToken !== undefined) {
        parameters.set('actor_token', actorToken);
        parameters.set('actor_token_type', request.actorTokenType ?? ACCESS_TOKEN);
      }
      for (const audience of request.audience ?? []) parameters.append('audience', audience);
      if (request.requestedTokenType !== undefined) {
        parameters.set('requested_token_type', request.requestedTokenType);
      }
      const response = await oauth.genericTokenEndpointRequest(
        found.metadata,
        client,
        auth,
        'urn:ietf:params:oauth:grant-type:token-exchange',
        parameters,
        options,
      );
      const tokens = await oauth.processGenericTokenEndpointResponse(
        found.metadata,
        client,
        response,
      );
      return tokensOf(tokens, found, request.scope ?? []);
    });

  const deviceAuthorization: OAuthClient['deviceAuthorization'] = (request = {}) =>
    asking('token', async ({ issuer: found, client, auth, request: options }) => {
      const response = await oauth.deviceAuthorizationRequest(
        found.metadata,
        client,
        auth,
        parametersOf(request, true),
        options,
      );
      const device = await oauth.processDeviceAuthorizationResponse(
        found.metadata,
        client,
        response,
      );
      if (!isShowable(device, settings.insecureLoopback)) {
        const cause = new Error('The answer has a code or an address that cannot be shown.');
        return denied('upstream', 'oauth.upstream', { cause });
      }
      const seconds = Math.min(device.expires_in, LONGEST_DEVICE_SECONDS);
      const expiresAt = now() + seconds * 1_000;
      const ask = () =>
        asking('token', async (again) => {
          const answer = await oauth.deviceCodeGrantRequest(
            again.issuer.metadata,
            again.client,
            again.auth,
            device.device_code,
            again.request,
          );
          const tokens = await oauth.processDeviceCodeResponse(
            again.issuer.metadata,
            again.client,
            answer,
          );
          return tokensOf(tokens, again.issuer, request.scope ?? settings.scope);
        });
      // Beyond the life of the code nobody waits; and timers take numbers that are too large for 1 ms.
      const intervalMs =
        Math.min(Math.max(1, device.interval ?? 5), LONGEST_DEVICE_SECONDS) * 1_000;
      const { wait = sleep } = request;
      return {
        ok: true,
        userCode: device.user_code,
        verificationUri: device.verification_uri,
        verificationUriComplete: device.verification_uri_complete,
        expiresAt,
        poll: devicePolling(ask, { intervalMs, expiresAt }, now, wait),
      };
    });

  return { refresh, clientCredentials, exchangeToken, deviceAuthorization };
}

/** What a device shows: addresses that a browser opens, and a code without characters that control a terminal. */
function isShowable(device: oauth.DeviceAuthorizationResponse, insecureLoopback: boolean): boolean {
  const addresses = [
    device.verification_uri,
    device.verification_uri_complete ?? device.verification_uri,
  ];
  const isAddress = (value: string): boolean => {
    const protocol = URL.canParse(value) ? new URL(value).protocol : '';
    return protocol === 'https:' || (insecureLoopback && protocol === 'http:');
  };
  return (
    [...addresses, device.user_code].every((each) => !/\p{C}/u.test(each)) &&
    addresses.every(isAddress)
  );
}
