import { type ClientToken, secureClient } from '@apisec/grpc';
import { type ChannelCredentials, Client, type ClientOptions } from '@grpc/grpc-js';

/**
 * Calls end in time, carry a token that is still good, and are repeated only where that is safe.
 *
 * @param channel of `channelTls`: whom it trusts, and the certificate that it shows.
 * @param token asked once at a time, before a token expires and after one was denied.
 */
export function createClient(
  address: string,
  channel: ChannelCredentials,
  token: (deniedToken?: string) => Promise<ClientToken>,
  options: ClientOptions = {},
): Client {
  const { credentials, interceptors } = secureClient({
    credentials: channel,
    deadline: '5s',
    token,
    retryable: ['/shop.v1.Orders/List'],
  });
  return new Client(address, credentials, { ...options, interceptors });
}
