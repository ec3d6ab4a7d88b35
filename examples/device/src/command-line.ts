import { oauthClient } from '@apisec/oauth';

/** What the command line needs from outside. */
export interface Surroundings {
  readonly issuer: string;
  /** The API, as tokens call it and where it is. */
  readonly resource: string;
  readonly api: string;
  readonly print: (line: string) => void;
  /** How it waits between two questions to the provider. Default: with a timer. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/** Signs the user in, and prints the orders; answers the exit code. */
export async function showOrders({
  issuer,
  resource,
  api,
  print,
  wait,
}: Surroundings): Promise<number> {
  const client = oauthClient({
    issuer,
    clientId: 'command-line',
    authentication: { method: 'none' },
    scope: ['openid', 'orders:read'],
    resource: [resource],
    insecureLoopback: true,
  });
  const device = await client.deviceAuthorization({ wait });
  if (!device.ok) {
    print(`This cannot be done now (${device.denial.code}).`);
    return 1;
  }
  print(`Open ${device.verificationUri}`);
  print(`and enter ${device.userCode}`);
  const tokens = await device.poll();
  if (!tokens.ok) {
    print(tokens.denial.detail ?? `You were not signed in (${tokens.denial.code}).`);
    return 1;
  }
  const headers = { authorization: `Bearer ${tokens.accessToken}` };
  const response = await fetch(`${api}/orders`, { headers });
  print(response.ok ? await response.text() : `The API answered ${response.status}.`);
  return response.ok ? 0 : 1;
}
