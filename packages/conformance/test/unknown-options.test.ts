import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  allowAnonymous,
  field,
  guard,
  memoryApiKeyStore,
  resource,
  roleModel,
  rule,
  subject,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../..');

/**
 * Exports that take no options: what they take is a value, a list of names, a policy, a request, or (marked by its
 * package) something that adapters hand over. Everything else must not construct with an unknown option, a new
 * export too.
 */
const TAKES_NO_OPTIONS: Readonly<Record<string, string>> = {
  apollo: 'documentedOperations inventoryOf',
  core: `
    ConfigurationError allOf allowAnonymous allowAuthenticated allowedContentTypes anyOf apiKeyPattern assertCoverage canonicalJson printCoverage
    definePolicy deny environment equalRules explain factsOf failurePause guard guardMessages jsonLines localJwks messageMember
    optional parseApiKey pass pathOf pathParameter peerFromHeader peerOf permissionsPolicy printRule queryOf queryParameter requireScopes
    scopeHierarchy subdomainsOf subject tenantScope toOcsf toPredicate tokenInCookie tokenInHeader tokenInSubprotocol
    transportFromUrl visibleTo when`,
  egress: 'isEgressError',
  express: 'answerPreflights operationsOf unsecuredOperations',
  fastify: 'inventoryOf watchRoutes answerPreflights',
  graphql: `
    documentedOperations inventoryOf analyzeOperation applyFieldHeaders tellId assertTable cacheability certificateOf checkBefore
    checkDocument checkErrors checkPart collectRootFields compileFields complete decide denialError deniedDocument disconnect documentBounds
    expandCoordinate fieldArgument gateFields gateIntrospection headerFields hostOperation isFailure listRootFields newBatch
    openFields openOperation operationCost operationCostSpent operationName operationPlan knownCallerOf peerOfContext setCaller release releaseResult
    requestOf rootArguments resolveText rootTypesOf safeError shownErrors showsPages signalOf sourceMember sourceOf trustedDocuments viewRequest
    watchParts`,
  grpc: 'documentedOperations inventoryOf coverServer guardService',
  hono: 'inventoryOf answerPreflights operationsOf unsecuredOperations watchedUpgrade',
  node: `
    applyNodeHeaders beginCall clientCertificate closeRelease decideCall dropBodyHeaders endWithToken hasBody isDisconnected isUpgrade letThrough literalPath
    logFile nodeCaller nodeCertificate nodeDenialLog nodeFacts nodePeer nodeRequest nodeRequestId nodeTransport nodeUnverifiedCertificate nodeVerifier onEnd readBody
    readRawBody renderAs renderingOf sendDenial trustProxies undecided`,
  oauth: 'fastifyRoutes sendWebResponse toNodeHandler toWebRequest',
  redis: 'assertNoEviction connectRedis connectRedisCluster',
};

const document = resource({
  name: 'document',
  id: 'id',
  tenant: false,
  fields: { id: field.text(), owner: field.text() },
});
const caller = subject({ fields: { id: field.text() }, of: () => ({ id: 'ann' }) });
const isAnn = rule.eq(caller.id, 'ann');
const open = guard().use(allowAnonymous());
const client = { query: async () => ({ rows: [] }) };

/** What stands before the options. */
const BEFORE: Readonly<Record<string, readonly unknown[]>> = {
  assertRowSecurity: [client],
  authenticateSession: [{ read: async () => undefined }],
  authorizerRelation: [{ evaluate: async () => ({ decision: true }) }],
  buildTrustedDocuments: [[]],
  checkUrl: ['https://example.com'],
  classifyAddress: ['192.0.2.1'],
  coverage: [{}],
  coverageReport: [[]],
  chainLines: [() => undefined],
  exportChain: [client],
  explainRow: [isAnn, document],
  discoverIssuer: ['https://id.example.com'],
  leasedLimitStore: [{}],
  loginRoutes: [{}],
  limitServer: [{}],
  loadObject: [document],
  migrate: [client],
  forward: [{}],
  inventoryOf: [{}],
  oauthRoutes: [{}, {}],
  openapiOperations: [{}],
  openapiSecurity: [{}],
  plan: [isAnn, document],
  postgresApiKeyStore: [client],
  postgresAuditSink: [client],
  postgresPasskeyStore: [client],
  postgresRefreshTokenStore: [client],
  postgresTicketStore: [client],
  postgresTenantStore: [client],
  postgresCounterStore: [client],
  postgresReplayStore: [client],
  postgresRevocationStore: [client],
  postgresRoleStore: [client],
  postgresTotpStore: [client],
  postgresSessionStore: [client],
  postgresUsageStore: [client],
  postgresWebhookOutbox: [client],
  protect: [open, () => new Response()],
  redisApiKeyCache: [memoryApiKeyStore()],
  relation: ['reads'],
  remoteJwks: ['https://id.example.com/jwks.json'],
  require: [isAnn],
  requireOwner: [document],
  requirePermission: [
    roleModel({ permissions: ['read'], roles: { all: { grants: ['read'] } } }),
    'read',
  ],
  requireRole: [roleModel({ permissions: ['read'], roles: { all: { grants: ['read'] } } }), 'all'],
  'grpc.secure': [],
  secure: [open],
  secureUpgrades: [{ emit: () => false }, open],
  signRequest: [new Request('https://api.example.com')],
  assertColumns: [document],
  toSql: [document],
  assertSecured: [{}],
  tokenSource: [{}],
  usageHistory: [{ read: async () => [] }],
  verifyChain: [client],
  verifyChainExport: [[]],
  withTenant: [client, 'acme', () => undefined],
  waitForRoom: [open],
};

/** What is asked for before the names are looked at. */
const REQUIRED: Readonly<Record<string, object>> = { 'grpc.secure': { methods: {} } };

const isWithout = (name: string, exported: string): boolean =>
  (TAKES_NO_OPTIONS[name] ?? '').split(/\s+/).includes(exported);

const names = readdirSync(packages).filter(
  // What the command line takes is looked at by its own tests.
  (name) =>
    !['cli', 'conformance', 'create-apisec'].includes(name) &&
    existsSync(join(packages, name, 'src/index.ts')),
);

describe.each(names)('of %s', async (name) => {
  // By their paths, since this package depends on none of them.
  const exports = (await import(join(packages, name, 'src/index.ts'))) as Record<string, unknown>;
  const factories = Object.entries(exports).filter(
    ([exported, value]) => typeof value === 'function' && !isWithout(name, exported),
  ) as [string, (...values: readonly unknown[]) => unknown][];

  test.each(factories)(
    '%s cannot be constructed with an option that it does not know',
    async (exported, make) => {
      const own = `${name}.${exported}`;
      const before = BEFORE[own] ?? BEFORE[exported] ?? [];
      const options = { ...REQUIRED[own], misspelledOption: true };
      // Some answer with a promise, which then rejects.
      const construct = async () => make(...before, options);
      await expect(construct()).rejects.toThrow(/"misspelledOption" is not an option/);
    },
  );
});
