import { graphqlCode } from '@apisec/core';
import type { Client, Served } from '../subject.ts';
import { httpClient } from './http.ts';
import { kindsOf, member, parse, textMember } from './observe.ts';

/** Calls GraphQL subjects: each operation of the suite is one query of one field. */
export function graphqlClient(served: Served): Client {
  const http = httpClient(served);
  return {
    target: () => ({ method: 'POST', path: '/graphql' }),
    close: http.close,
    call: async ({ operation, headers, message }) => {
      const answer = await http.call({
        operation: 'graphql',
        headers,
        message: {
          operationName: 'Case',
          query: `query Case($amount: Float) { ${operation}(amount: $amount) { id amount secret poison } }`,
          variables: message ?? {},
        },
      });
      const body = parse(answer.text.slice(answer.text.indexOf('\n\n') + 2));
      const extensions = member(body, 'errors', 0, 'extensions');
      const reply = member(body, 'data', operation);
      const allowed = member(body, 'errors') === undefined && reply !== undefined;
      return {
        ...answer,
        allowed,
        kinds: kindsOf<unknown>(graphqlCode, member(extensions, 'code')),
        code: textMember(extensions, 'reason'),
        reply: allowed ? reply : undefined,
      };
    },
  };
}
