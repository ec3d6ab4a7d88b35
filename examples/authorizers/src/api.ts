import {
  type Authorizer,
  allowAuthenticated,
  authorizerRelation,
  definePolicy,
  deny,
  field,
  guard,
  type HttpFacts,
  loadObject,
  type NoFacts,
  type Policy,
  type Principal,
  pass,
  pathParameter,
  plan,
  protect,
  relation,
  require,
  resource,
  rule,
  toPredicate,
} from '@apisec/core';
import { documents } from './documents.ts';

const document = resource({
  name: 'document',
  fields: { id: field.text(), ownerId: field.text(), department: field.text() },
  id: 'id',
  tenant: false,
});

/** Stands in for authentication: believes whoever calls. */
const authenticate: Policy<NoFacts, { readonly principal: Principal }, 'check'> = definePolicy({
  name: 'authenticate',
  role: 'check',
  adds: ['principal'],
  check: ({ headers }) => {
    const id = headers.get('x-user');
    if (!id) return deny('unauthenticated', 'credentials.missing');
    const none: ReadonlySet<string> = new Set();
    return pass({ principal: { id, subject: id, issuer: 'example', scopes: none, roles: none } });
  },
});

/** One API in front of whoever decides. The rule asks; what it asks is the same for Cedar, CASL and AuthZEN. */
export function documentsApi(authorizer: Authorizer) {
  const reads = relation(
    'reads',
    authorizerRelation(authorizer, { subject: 'User', action: 'read', resource: 'Document' }),
  );
  const readable = rule.related(reads, rule.caller.id, document.id);
  const caller = guard<HttpFacts>().use(authenticate);
  const one = caller
    .use(
      loadObject(document, {
        id: pathParameter('id'),
        load: (id) => documents.find((each) => each.id === id),
      }),
    )
    .use(require(readable));
  const everybody = caller.use(allowAuthenticated());
  const visible = plan(readable, document);
  const filter = toPredicate(document);
  return {
    read: protect(one, (_request, facts) => Response.json(facts.document), {
      operation: () => 'GET /documents/:id',
    }),
    list: protect(everybody, async (_request, facts) => {
      const planned = await visible(facts);
      // Nobody could say what is visible: that is not an empty list.
      if (planned.kind === 'none' && planned.unavailable)
        return Response.json({ code: 'relation.unavailable' }, { status: 503 });
      return Response.json(documents.filter(filter(planned)));
    }),
  };
}
