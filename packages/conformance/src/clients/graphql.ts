import { graphqlCode } from '@apisec/core/host';
import type { Client, Served } from '../subject.ts';
import { httpClient } from './http.ts';
import { kindsOf, member, parse, textMember } from './observe.ts';

/** Calls GraphQL subjects: each operation of the suite is one query of one field. */
export function graphqlClient(served: Served): Client {
  const http = httpClient(served);
  return {
    target: () => ({ method: 'POST', path: '/graphql' }),
    close: http.close,
    call: async ({ operation, headers, message, signal }) => {
      const answer = await http.call({
        operation: 'graphql',
        headers,
        signal,
        message: {
          operationName: 'Case',
          query: `query Case($amount: Float) { ${operation}(amount: $amount) { id amount secret poison } }`,
          variables: message ?? {},
        },
      });
      const body = parse(answer.text.slice(answer.text.indexOf('\n\n') + 2));
      const denial = member(body, 'errors', 0);
      const extensions = member(denial, 'extensions');
      const retryAfter = member(extensions, 'retryAfter');
      const reply = member(body, 'data', operation);
      const allowed = member(body, 'errors') === undefined && reply !== undefined;
      return {
        ...answer,
        allowed,
        kinds: kindsOf<unknown>(graphqlCode, member(extensions, 'code')),
        code: textMember(extensions, 'reason'),
        retryAfter: typeof retryAfter === 'number' ? retryAfter : undefined,
        denial,
        reply: allowed ? reply : undefined,
      };
    },
  };
}
