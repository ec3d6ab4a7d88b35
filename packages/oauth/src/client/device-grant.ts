import * as oauth from 'oauth4webapi';
import { sleep } from '../lib/sleep.ts';
import type { ClientContext, IssuerRequest } from './client-context.ts';
import type { OAuthClient, TokenRequest } from './client-types.ts';
import { devicePolling } from './device-flow.ts';
import { denied } from './failures.ts';

/** The longest that a device code is waited for, whatever the issuer says. */
const LONGEST_SECONDS = 86_400;

/** Tokens for a code that the user enters on another device (RFC 8628). */
export function deviceGrant(context: ClientContext): OAuthClient['deviceAuthorization'] {
  const { settings, askIssuer, parametersOf } = context;
  const { now } = settings;

  return (request = {}) =>
    askIssuer('token', async ({ issuer: { metadata }, client, auth, request: options }) => {
      const parameters = parametersOf(request, true);
      const response = await oauth.deviceAuthorizationRequest(
        metadata,
        client,
        auth,
        parameters,
        options,
      );
      const device = await oauth.processDeviceAuthorizationResponse(metadata, client, response);
      if (!isShowable(device, settings.insecureLoopback)) {
        const cause = new Error('The answer has a code or an address that cannot be shown.');
        return denied('upstream', 'oauth.upstream', { cause });
      }
      const seconds = Math.min(device.expires_in, LONGEST_SECONDS);
      const expiresAt = now() + seconds * 1_000;
      // Beyond the life of the code nobody waits; and timers take numbers that are too large for 1 ms.
      const intervalMs = Math.min(Math.max(1, device.interval ?? 5), LONGEST_SECONDS) * 1_000;
      const ask = askForTokens(context, device.device_code, request);
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
}

/** A code works once: what came for it is kept while the keys that verify it cannot be fetched. */
function askForTokens(
  { settings, askIssuer, tokensOf }: ClientContext,
  code: string,
  { scope = settings.scope }: TokenRequest,
) {
  const { now } = settings;
  let received: { readonly answer: oauth.TokenEndpointResponse; readonly at: number } | undefined;
  const receive = async ({ issuer: { metadata }, client, auth, request }: IssuerRequest) => {
    const response = await oauth.deviceCodeGrantRequest(metadata, client, auth, code, request);
    const answer = await oauth.processDeviceCodeResponse(metadata, client, response);
    return { answer, at: now() };
  };
  return () =>
    askIssuer('token', async (one) => {
      received ??= await receive(one);
      return tokensOf(received.answer, one.issuer, scope, { receivedAt: received.at });
    });
}

/** True for addresses that a browser opens, and a code without terminal control characters. */
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
