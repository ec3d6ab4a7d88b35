import { type Attack, call, ownHeaders } from './attack.ts';
import { DPOP_ATTACKS } from './dpop-attacks.ts';
import { GRAPHQL_ATTACKS } from './graphql-attacks.ts';
import { GRPC_ATTACKS } from './grpc-attacks.ts';
import { HTTP_ATTACKS } from './http-attacks.ts';
import { TOKEN_ATTACKS } from './token-attacks.ts';

/** In the order in which they are tried: what may use up a limit comes last. */
export const ATTACKS: readonly Attack[] = [
  ...TOKEN_ATTACKS,
  ...DPOP_ATTACKS,
  ...HTTP_ATTACKS,
  ...GRAPHQL_ATTACKS,
  ...GRPC_ATTACKS,
  {
    id: 'limit.missing',
    owasp: 'API4:2023',
    title: 'Floods of calls are limited',
    needs: ({ burst }) => (burst === undefined ? '--burst' : undefined),
    run: async (target) => {
      const { burst = 0 } = target;
      const probe = call(target, ownHeaders(target));
      for (let sent = 0; sent < burst; sent++) {
        target.onProgress?.(`${sent} of ${burst} calls`);
        const { status, body } = await target.send(probe);
        if (status === 429 || (target.graphql && body.includes('"RATE_LIMITED"'))) return undefined;
      }
      return `None of ${burst} calls in a row was denied by a limit.`;
    },
  },
];
