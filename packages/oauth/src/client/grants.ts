import * as oauth from 'oauth4webapi';
import type { ClientContext } from './client-context.ts';
import type { OAuthClient } from './client-types.ts';
import { deviceGrant } from './device-grant.ts';
import { refreshGrant } from './refresh-grant.ts';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** Tokens for what the client has in hand: a refresh token, itself, somebody's token, a code on another device. */
export function grants(
  context: ClientContext,
): Pick<OAuthClient, 'refresh' | 'clientCredentials' | 'exchangeToken' | 'deviceAuthorization'> {
  const { settings, askIssuer, parametersOf, tokensOf } = context;

  const clientCredentials: OAuthClient['clientCredentials'] = (request = {}) =>
    askIssuer('token', async ({ issuer: found, client, auth, request: options }) => {
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
    askIssuer('token', async ({ issuer: found, client, auth, request: options }) => {
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

  const refresh = refreshGrant(context);
  const deviceAuthorization = deviceGrant(context);
  return { refresh, clientCredentials, exchangeToken, deviceAuthorization };
}
