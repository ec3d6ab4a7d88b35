import {
  allowAuthenticated,
  authenticateJwt,
  coverage,
  guard,
  guardMessages,
  loadRoles,
  type MessageFacts,
  messageMember,
  pathParameter,
  type RoleStore,
  type TrustedIssuer,
} from '@apisec/core';
import { type FieldFacts, fieldArgument, sourceMember } from '@apisec/graphql';
import type { CallerFacts, Rules } from './rules.ts';

/** Which rules hold where. The rules are the same for every protocol; only where an id comes from differs. */
export function reportsPolicy(trusted: TrustedIssuer, store: RoleStore, rules: Rules) {
  const caller = guard()
    .use(authenticateJwt({ ...trusted, tenant: { claim: 'org' } }))
    .use(loadRoles({ store, tenant: ({ principal }) => principal.tenant ?? '' }));
  const message = guard<CallerFacts & MessageFacts>();
  const field = guard<CallerFacts & FieldFacts>();

  const readMessage = message.use(rules.load(messageMember('id'))).use(rules.read);
  const approveMessage = message.use(rules.load(messageMember('reportId'))).use(rules.approve);
  const writeMessage = message.use(rules.write);
  const readField = field.use(rules.load(fieldArgument('id'))).use(rules.read);
  const previousField = field.use(rules.load(sourceMember('previousId'))).use(rules.read);

  // For REST and gRPC, whose answers have no schema that fields could be guarded in.
  const filtered = caller.use(rules.output);
  const member = caller.use(allowAuthenticated());
  const readByPath = filtered.use(rules.load(pathParameter('id'))).use(rules.read);
  const readByMessage = filtered.use(guardMessages(readMessage)).use(allowAuthenticated());
  const list = filtered.use(rules.list);
  const approve = filtered.use(guardMessages(approveMessage)).use(allowAuthenticated());
  const create = filtered.use(rules.input).use(guardMessages(writeMessage)).use(rules.create);
  const approveField = caller.use(guardMessages(approveMessage)).use(allowAuthenticated());
  const listField = caller.use(rules.list);
  const createField = caller.use(guardMessages(writeMessage)).use(rules.create);

  return {
    readByPath,
    readByMessage,
    list,
    approve,
    create,
    approveField,
    listField,
    createField,
    readField,
    previousField,
    rest: coverage({
      'GET /reports/:id': readByPath,
      'GET /reports': list,
      'POST /reports': create,
      'POST /approvals': approve,
    }),
    graphql: {
      admission: coverage({
        'Query.report': member,
        'Query.reports': listField,
        'Mutation.createReport': createField,
        'Mutation.approve': approveField,
      }),
      fields: {
        'Query.report': readField,
        'Report.previous': previousField,
        'Report.auditNote': rules.auditNote,
      },
    },
  };
}

export type ReportsPolicy = ReturnType<typeof reportsPolicy>;
