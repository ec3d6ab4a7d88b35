import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { fakeIssuer, optionsFor } from '../../../test/introspection-kit.ts';
import { NOW, now, signer } from '../../../test/jwt-kit.ts';
import { localJwks } from '../../crypto/local-jwks.ts';
import type { Principal } from '../../engine/facts.ts';
import type { Outcome } from '../../engine/outcome.ts';
import { authenticateIntrospection } from '../authenticate-introspection.ts';
import { authenticateJwt } from '../authenticate-jwt.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { auth0 } from './auth0.ts';
import { azureB2c } from './azure-b2c.ts';
import { clerk } from './clerk.ts';
import { cognito } from './cognito.ts';
import { duende } from './duende.ts';
import { entraId } from './entra-id.ts';
import { entraIdTenants } from './entra-id-tenants.ts';
import { firebase } from './firebase.ts';
import { githubActions } from './github-actions.ts';
import { gitlab } from './gitlab.ts';
import { googleIap } from './google-iap.ts';
import { googleServiceAccount } from './google-service-account.ts';
import { keycloak } from './keycloak.ts';
import { kubernetes } from './kubernetes.ts';
import { logto } from './logto.ts';
import { okta } from './okta.ts';
import { springAuthorizationServer } from './spring-authorization-server.ts';
import { supabase } from './supabase.ts';
import { workos } from './workos.ts';
import { zitadel } from './zitadel.ts';

const AUDIENCE = 'https://api.example.com';
const TENANT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER_TENANT = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const API = '22222222-2222-4222-8222-222222222222';
const CLIENT = '11111111-1111-4111-8111-111111111111';

type Claims = Readonly<Record<string, unknown>>;

interface Provider {
  readonly name: string;
  readonly preset: TrustedIssuer;
  readonly typ?: string;
  /** A token of the shape that the provider publishes, beside `iss`, `iat` and `exp`. */
  readonly token: Claims;
  readonly principal: Partial<Pick<Principal, 'subject' | 'clientId' | 'tenant' | 'isClient'>> & {
    readonly scopes?: readonly string[];
    readonly roles?: readonly string[];
  };
  /** The same made for somebody else, another kind of token, or of a stranger. Changes to the claims. */
  readonly evil: Readonly<Record<string, Claims>>;
}

const providers: readonly Provider[] = [
  {
    name: 'Auth0',
    preset: auth0({ domain: 'shop.eu.auth0.com', audience: AUDIENCE }),
    token: {
      sub: 'auth0|507f',
      aud: [AUDIENCE, 'https://shop.eu.auth0.com/userinfo'],
      azp: 'web',
      scope: 'openid read:orders',
      permissions: ['write:orders'],
    },
    principal: {
      subject: 'auth0|507f',
      clientId: 'web',
      scopes: ['openid', 'read:orders', 'write:orders'],
    },
    evil: {
      'an ID token': { aud: 'web', scope: undefined, azp: undefined, nonce: 'n' },
      'an ID token of a client that is called as the API': {
        scope: undefined,
        azp: undefined,
        permissions: undefined,
      },
      'a token for another API': { aud: ['https://other.example.com'] },
      'a token of another tenant': { iss: 'https://evil.eu.auth0.com/' },
    },
  },
  {
    name: 'Okta',
    preset: okta({ domain: 'shop.okta.com', audience: 'api://default' }),
    typ: '',
    token: {
      ver: 1,
      jti: 'AT.0',
      aud: 'api://default',
      cid: '0oa1',
      uid: '00u1',
      scp: ['orders'],
      sub: 'a@b.c',
      groups: ['staff'],
    },
    principal: { subject: 'a@b.c', clientId: '0oa1', scopes: ['orders'], roles: ['staff'] },
    evil: {
      'an ID token': { aud: '0oa1', cid: undefined, scp: undefined, nonce: 'n' },
      'an ID token for this audience': { cid: undefined, scp: undefined },
      'a token of the org server': { iss: 'https://shop.okta.com' },
      'a token for another API': { aud: 'api://other' },
    },
  },
  {
    name: 'Entra ID, version 2',
    preset: entraId({ tenant: TENANT, audience: API }),
    token: {
      aud: API,
      azp: CLIENT,
      azpacr: '1',
      tid: TENANT,
      oid: 'o',
      sub: 's',
      scp: 'Orders.Read Orders.Write',
      roles: ['Admin'],
      ver: '2.0',
    },
    principal: {
      subject: 's',
      clientId: CLIENT,
      tenant: TENANT,
      scopes: ['Orders.Read', 'Orders.Write'],
      roles: ['Admin'],
    },
    evil: {
      'an ID token for the same application': {
        azp: undefined,
        azpacr: undefined,
        scp: undefined,
        nonce: 'n',
        preferred_username: 'alice@example.com',
      },
      'a token of another tenant': {
        tid: OTHER_TENANT,
        iss: `https://login.microsoftonline.com/${OTHER_TENANT}/v2.0`,
      },
      'a token that names another tenant': { tid: OTHER_TENANT },
      'a token for Microsoft Graph': { aud: '00000003-0000-0000-c000-000000000000' },
    },
  },
  {
    name: 'Entra ID, version 1, for an application itself',
    preset: entraId({ tenant: TENANT, audience: 'api://orders', version: 1 }),
    token: {
      aud: 'api://orders',
      appid: CLIENT,
      tid: TENANT,
      oid: 'o',
      sub: 'o',
      idtyp: 'app',
      roles: ['Orders.All'],
      ver: '1.0',
    },
    principal: { subject: 'o', clientId: CLIENT, tenant: TENANT, roles: ['Orders.All'] },
    evil: {
      'an ID token': { appid: undefined, roles: undefined },
      'a token for another API': { aud: 'api://payments' },
      'a token of another tenant': {
        tid: OTHER_TENANT,
        iss: `https://sts.windows.net/${OTHER_TENANT}/`,
      },
      'a token that names another tenant': { tid: OTHER_TENANT },
      'a token of version 2': { iss: `https://login.microsoftonline.com/${TENANT}/v2.0` },
    },
  },
  {
    name: 'Azure AD B2C',
    preset: azureB2c({
      tenant: 'shop',
      tenantId: TENANT,
      policy: 'B2C_1_signin',
      audience: CLIENT,
    }),
    token: {
      aud: CLIENT,
      sub: 's',
      nonce: 'kept from the sign-in',
      scp: 'read',
      azp: 'web',
      tfp: 'B2C_1_signin',
      ver: '1.0',
    },
    principal: { subject: 's', clientId: 'web', scopes: ['read'] },
    evil: {
      'an ID token': { scp: undefined, azp: undefined, at_hash: 'h' },
      'an ID token without a hash': { scp: undefined },
      'a token for another API': { aud: TENANT },
      'a token of another policy': { tfp: 'B2C_1_reset' },
      'a token of another policy, in the claim of older ones': {
        tfp: undefined,
        acr: 'b2c_1_reset',
      },
      'a token that names no policy': { tfp: undefined },
      'a token of another tenant': {
        iss: `https://evil.b2clogin.com/${OTHER_TENANT}/v2.0/`,
      },
    },
  },
  {
    name: 'Azure AD B2C, an older custom policy',
    preset: azureB2c({
      tenant: 'shop',
      tenantId: TENANT,
      policy: 'B2C_1A_signup_signin',
      audience: CLIENT,
    }),
    token: { aud: CLIENT, sub: 's', scp: 'read', azp: 'web', acr: 'b2c_1a_signup_signin' },
    principal: { subject: 's', clientId: 'web', scopes: ['read'] },
    evil: {
      'an ID token': { scp: undefined, azp: undefined },
      'a token of another policy': { acr: 'b2c_1a_passwordreset' },
    },
  },
  {
    name: 'Cognito',
    preset: cognito({
      region: 'eu-central-1',
      userPoolId: 'eu-central-1_Ab12Cd34E',
      clientId: 'app1',
    }),
    typ: '',
    token: {
      sub: 's',
      client_id: 'app1',
      token_use: 'access',
      scope: 'orders/read',
      'cognito:groups': ['staff'],
      jti: 'j',
    },
    principal: { subject: 's', clientId: 'app1', scopes: ['orders/read'], roles: ['staff'] },
    evil: {
      'an ID token': { token_use: 'id', client_id: undefined, aud: 'app1' },
      'an ID token that also names the client': { token_use: 'id' },
      'a token of another app client': { client_id: 'app2' },
      'a token that names another audience': { aud: 'https://other.example.com' },
    },
  },
  {
    name: 'Cognito for a resource, by the updated issuer',
    preset: cognito({
      region: 'eu-central-1',
      userPoolId: 'eu-central-1_Ab12Cd34E',
      audience: AUDIENCE,
      issuerType: 'updated',
    }),
    typ: '',
    token: {
      sub: 's',
      aud: AUDIENCE,
      client_id: 'app1',
      token_use: 'access',
      scope: 'orders/read',
    },
    principal: { subject: 's', clientId: 'app1', scopes: ['orders/read'] },
    evil: {
      'an ID token': { token_use: 'id', client_id: undefined, aud: 'app1' },
      'a token that names no resource': { aud: undefined },
      'a token of the original issuer': {
        iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E',
      },
      'a token of another pool': {
        iss: 'https://issuer-cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Zz98Yx76W',
      },
    },
  },
  {
    name: 'Keycloak as it comes, before 24',
    preset: keycloak({
      issuer: 'https://id.example.com/realms/shop',
      clientId: 'shop-web',
      roleClients: ['api'],
    }),
    token: {
      sub: 's',
      aud: 'account',
      typ: 'Bearer',
      azp: 'shop-web',
      nonce: 'n',
      scope: 'openid email',
      session_state: 'x',
      realm_access: { roles: ['user'] },
      resource_access: {
        api: { roles: ['editor'] },
        account: { roles: ['x'] },
      },
    },
    principal: {
      subject: 's',
      clientId: 'shop-web',
      scopes: ['openid', 'email'],
      roles: ['user', 'editor'],
    },
    evil: {
      'an ID token': { typ: 'ID', aud: 'shop-web', at_hash: 'h' },
      'a refresh token': { typ: 'Refresh' },
      'a token of another client': { azp: 'evil-web' },
      'a token for another API': { aud: ['account', 'payments'] },
      'a token of another realm': { iss: 'https://id.example.com/realms/evil' },
    },
  },
  {
    name: 'Keycloak for a client itself, which has no subject',
    preset: keycloak({ issuer: 'https://id.example.com/realms/shop', audience: 'orders' }),
    token: { aud: ['orders', 'account'], typ: 'Bearer', azp: 'jobs', scope: 'orders' },
    principal: { subject: 'jobs', clientId: 'jobs', isClient: true },
    evil: {
      'a token without a client': { azp: undefined },
      'a token for the account only': { aud: 'account' },
    },
  },
  {
    name: 'Keycloak, bound to a key',
    preset: keycloak({ issuer: 'https://id.example.com/realms/shop', audience: 'orders' }),
    token: { sub: 's', aud: 'orders', typ: 'DPoP', azp: 'shop-web', scope: 'orders' },
    principal: { subject: 's', clientId: 'shop-web' },
    evil: {
      'an ID token': { typ: 'ID', aud: 'shop-web' },
      'an offline token': { typ: 'Offline' },
    },
  },
  {
    name: 'Google, a service account',
    preset: googleServiceAccount({
      audience: AUDIENCE,
      emails: ['jobs@shop.iam.gserviceaccount.com'],
    }),
    token: {
      aud: AUDIENCE,
      azp: '10',
      sub: '10',
      email: 'jobs@shop.iam.gserviceaccount.com',
      email_verified: true,
    },
    principal: { subject: '10', clientId: '10', isClient: true },
    evil: {
      'another service account': { email: 'jobs@evil.iam.gserviceaccount.com' },
      'a person': { email: 'alice@example.com' },
      'an address that nobody has verified': { email_verified: false },
      'an address of which nothing is said': { email_verified: undefined },
      'a token for another API': { aud: 'https://other.example.com' },
      'a token of a sign-in': { aud: '10.apps.googleusercontent.com', at_hash: 'h', nonce: 'n' },
    },
  },
  {
    name: 'Google IAP',
    preset: googleIap({ audience: '/projects/12/global/backendServices/34' }),
    token: {
      aud: '/projects/12/global/backendServices/34',
      sub: 'accounts.google.com:1',
      email: 'a@b.c',
    },
    principal: { subject: 'accounts.google.com:1' },
    evil: { 'an assertion for another backend': { aud: '/projects/12/global/backendServices/35' } },
  },
  {
    name: 'Google IAP in front of Cloud Run',
    preset: googleIap({ audience: '/projects/12/locations/europe-west1/services/shop' }),
    token: {
      aud: '/projects/12/locations/europe-west1/services/shop',
      sub: 'accounts.google.com:1',
      email: 'a@b.c',
    },
    principal: { subject: 'accounts.google.com:1' },
    evil: {
      'an assertion for another service': {
        aud: '/projects/12/locations/europe-west1/services/evil',
      },
      'an ID token of Google': { iss: 'https://accounts.google.com' },
    },
  },
  {
    name: 'Clerk',
    preset: clerk({ issuer: 'https://clerk.example.com', origins: ['https://app.example.com'] }),
    token: { azp: 'https://app.example.com', sid: 'sess_1', sub: 'user_1', org_role: 'org:admin' },
    principal: { subject: 'user_1', clientId: 'https://app.example.com', roles: ['org:admin'] },
    evil: {
      'a session of another page': { azp: 'https://evil.example.com' },
      'a session of another application': { iss: 'https://clerk.evil.example.com' },
      'a token of a template without a session': { sid: undefined },
      'a token that names an audience of its own': { aud: 'https://other.example.com' },
    },
  },
  {
    name: 'Clerk, version 2',
    preset: clerk({ issuer: 'https://clerk.example.com', origins: ['https://app.example.com'] }),
    token: {
      v: 2,
      azp: 'https://app.example.com',
      sid: 'sess_1',
      sub: 'user_1',
      sts: 'active',
      fva: [5, -1],
      o: { id: 'org_1', rol: 'admin', slg: 'acme' },
    },
    principal: { subject: 'user_1', clientId: 'https://app.example.com', roles: ['admin'] },
    evil: { 'a session with tasks before it': { sts: 'pending' } },
  },
  {
    name: 'WorkOS',
    preset: workos({ clientId: 'client_01AB' }),
    typ: '',
    token: {
      sub: 'user_1',
      sid: 'session_1',
      org_id: 'org_1',
      role: 'admin',
      permissions: ['orders:read'],
      jti: 'j',
    },
    principal: { subject: 'user_1', scopes: ['orders:read'], roles: ['admin'] },
    evil: {
      'a token of another client': { iss: 'https://api.workos.com/user_management/client_02CD' },
      'a token that names an audience': { aud: 'https://other.example.com' },
      'a token without a session': { sid: undefined },
    },
  },
  {
    name: 'Duende IdentityServer, client credentials',
    preset: duende({ issuer: 'https://id.example.com', audience: 'orders' }),
    typ: 'at+jwt',
    token: { aud: 'orders', client_id: 'jobs', jti: 'j', scope: ['orders.read', 'orders.write'] },
    principal: {
      subject: 'jobs',
      clientId: 'jobs',
      isClient: true,
      scopes: ['orders.read', 'orders.write'],
    },
    evil: {
      'a token for another API': { aud: 'payments' },
      'a token without a client': { client_id: undefined },
    },
  },
  {
    name: 'Supabase',
    preset: supabase({ project: 'abcdefghijklmnopqrst' }),
    token: {
      aud: 'authenticated',
      sub: 's',
      role: 'authenticated',
      session_id: 'x',
      aal: 'aal1',
      app_metadata: { roles: ['staff'] },
    },
    principal: { subject: 's', roles: ['authenticated', 'staff'] },
    evil: {
      'the anonymous key of the project': { role: 'anon', session_id: undefined, aud: undefined },
      'the service key of the project': { role: 'service_role', session_id: undefined },
      'a user who signed in anonymously': { is_anonymous: true },
      'a token of another project': { iss: 'https://zzzzzzzzzzzzzzzzzzzz.supabase.co/auth/v1' },
    },
  },
  {
    name: 'Supabase, with anonymous users',
    preset: supabase({ project: 'abcdefghijklmnopqrst', anonymous: true }),
    token: {
      aud: 'authenticated',
      sub: 's',
      role: 'authenticated',
      session_id: 'x',
      is_anonymous: true,
    },
    principal: { subject: 's', roles: ['authenticated'] },
    evil: { 'the anonymous key of the project': { role: 'anon', session_id: undefined } },
  },
  {
    name: 'Firebase',
    preset: firebase({ projectId: 'shop-prod' }),
    token: {
      aud: 'shop-prod',
      sub: 'u',
      user_id: 'u',
      auth_time: NOW / 1000 - 60,
      firebase: { sign_in_provider: 'password', identities: {} },
    },
    principal: { subject: 'u' },
    evil: {
      'a token of another project': {
        aud: 'shop-test',
        iss: 'https://securetoken.google.com/shop-test',
      },
      'a session cookie': { iss: 'https://session.firebase.google.com/shop-prod' },
      'a token without a provider': { firebase: {} },
      'a user who signed in anonymously': { firebase: { sign_in_provider: 'anonymous' } },
    },
  },
  {
    name: 'Firebase, with anonymous users',
    preset: firebase({ projectId: 'shop-prod', anonymous: true }),
    token: { aud: 'shop-prod', sub: 'u', firebase: { sign_in_provider: 'anonymous' } },
    principal: { subject: 'u' },
    evil: { 'a token without a provider': { firebase: {} } },
  },
  {
    name: 'GitHub Actions',
    preset: githubActions({
      audience: AUDIENCE,
      repositories: ['acme/shop'],
      environments: ['production'],
    }),
    token: {
      aud: AUDIENCE,
      sub: 'repo:acme/shop:environment:production',
      repository: 'acme/shop',
      environment: 'production',
      ref: 'refs/heads/main',
      jti: 'j',
    },
    principal: { subject: 'repo:acme/shop:environment:production' },
    evil: {
      'a workflow of another repository': { repository: 'evil/shop' },
      'a fork whose name ends alike': { repository: 'acme/shop-evil' },
      'a workflow in another environment': { environment: 'staging' },
      'a workflow in no environment': { environment: undefined },
      'a token for another service': { aud: 'https://github.com/acme' },
    },
  },
  {
    name: 'GitLab CI',
    preset: gitlab({ audience: AUDIENCE, projects: ['acme/shop'] }),
    token: {
      aud: AUDIENCE,
      sub: 'project_path:acme/shop:ref_type:branch:ref:main',
      project_path: 'acme/shop',
      job_id: '302',
      jti: 'j',
    },
    principal: { subject: 'project_path:acme/shop:ref_type:branch:ref:main' },
    evil: {
      'a job of another project': { project_path: 'evil/shop' },
      'an ID token of a sign-in': { job_id: undefined, nonce: 'n' },
    },
  },
  {
    name: 'Kubernetes service accounts',
    preset: kubernetes({
      issuer: 'https://cluster.example.com',
      audience: 'orders',
      namespaces: ['shop'],
    }),
    typ: '',
    token: {
      aud: ['orders'],
      sub: 'system:serviceaccount:shop:web',
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'web', uid: 'u' } },
    },
    principal: { subject: 'system:serviceaccount:shop:web', tenant: 'shop' },
    evil: {
      'a token for the cluster itself': { aud: ['https://kubernetes.default.svc'] },
      'an account of another namespace': {
        'kubernetes.io': { namespace: 'evil', serviceaccount: { name: 'web' } },
      },
      'a token that is bound to no account': { 'kubernetes.io': { namespace: 'shop' } },
    },
  },
  {
    name: 'Spring Authorization Server',
    preset: springAuthorizationServer({
      issuer: 'https://id.example.com',
      audience: 'messaging-client',
    }),
    typ: '',
    token: {
      aud: 'messaging-client',
      sub: 'alice',
      scope: ['message.read'],
      jti: 'j',
      nbf: NOW / 1000 - 10,
    },
    principal: { subject: 'alice', scopes: ['message.read'] },
    evil: {
      'an ID token of the same client': {
        scope: undefined,
        azp: 'messaging-client',
        auth_time: NOW / 1000,
        nonce: 'n',
      },
      'a token of another client': { aud: 'other-client' },
    },
  },
  {
    name: 'ZITADEL',
    preset: zitadel({ issuer: 'https://shop.zitadel.cloud', audience: '1234' }),
    typ: 'at+jwt',
    token: {
      aud: ['5678@shop', '1234'],
      sub: '9',
      client_id: '5678@shop',
      jti: 'j',
      'urn:zitadel:iam:org:project:roles': { admin: { '1': 'shop' }, editor: {} },
    },
    principal: { subject: '9', clientId: '5678@shop', roles: ['admin', 'editor'] },
    evil: {
      'a token of another project': { aud: ['5678@shop'] },
      'an ID token': { client_id: undefined, jti: undefined, at_hash: 'h' },
    },
  },
  {
    name: 'Logto',
    preset: logto({ endpoint: 'https://shop.logto.app', audience: AUDIENCE }),
    typ: 'at+jwt',
    token: { aud: AUDIENCE, sub: 'u', client_id: 'web', jti: 'j', scope: 'read' },
    principal: { subject: 'u', clientId: 'web', scopes: ['read'] },
    evil: {
      'a token for another resource': { aud: 'https://other.example.com' },
      'an ID token for the web application': { aud: 'web', client_id: undefined, jti: undefined },
    },
  },
];

const signers = { RS256: await signer('RS256'), ES256: await signer('ES256') };

async function ask({ preset, typ = 'JWT', token }: Provider, change: Claims = {}) {
  const alg = preset.algorithms?.[0] === 'ES256' ? 'ES256' : 'RS256';
  const { jwk, token: sign } = signers[alg];
  const policy = authenticateJwt({ ...preset, keys: localJwks({ keys: [jwk] }), now });
  const payload = {
    iss: preset.issuer,
    iat: NOW / 1000 - 10,
    exp: NOW / 1000 + 60,
    ...token,
    ...change,
  };
  const header = { alg, kid: jwk.kid, ...(typ !== '' && { typ }) };
  const text = await sign({ header: JSON.stringify(header), payload: JSON.stringify(payload) });
  const request = new Request('https://api.example.com/', {
    headers: { authorization: `Bearer ${text}` },
  });
  return policy.check(request, {});
}

const principalIn = (outcome: Outcome<object>) =>
  outcome.ok ? (outcome.facts as { readonly principal: Principal }).principal : outcome.denial;

/** The same claims as the answer of an introspection endpoint. */
function askIssuer({ preset, token }: Provider, change: Claims = {}) {
  const { issuer, audience, tenant, accessTokenSigns, requiredClaims, clientIds, scopes, roles } =
    preset;
  const answer = { iss: issuer, exp: NOW / 1000 + 60, token_type: 'Bearer', ...token, ...change };
  const policy = authenticateIntrospection(
    optionsFor(
      fakeIssuer(() => ({ active: true, ...answer })),
      {
        issuer,
        ...(audience !== undefined && { audience }),
        tenant,
        accessTokenSigns,
        requiredClaims,
        clientIds,
        scopes,
        roles,
      },
    ),
  );
  const headers = { authorization: 'Bearer opaque' };
  return policy.check(new Request('https://api.example.com/', { headers }), {});
}

describe.each(providers)('a token of $name', (provider) => {
  test('passes, and says who calls', async () => {
    const outcome = await ask(provider);
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.denial));
    const { scopes, roles, ...rest } = provider.principal;
    const { principal } = outcome.facts as { readonly principal: Principal };
    expect(principal).toMatchObject(rest);
    if (scopes !== undefined) expect([...principal.scopes]).toEqual(scopes);
    if (roles !== undefined) expect([...principal.roles]).toEqual(roles);
  });

  test.each(Object.entries(provider.evil))('does not pass as %s', async (_, change) => {
    const outcome = await ask(provider, change);
    expect(outcome).toMatchObject({ ok: false, denial: { kind: 'unauthenticated' } });
    // Operators learn what was expected and what came.
    expect(!outcome.ok && outcome.denial.cause).toBeTypeOf('object');
  });

  test.each<[string, Claims, string]>([
    ['an ID token of the same issuer', { aud: 'an-application', nonce: 'n', at_hash: 'h' }, 'JWT'],
    ['a token for somebody else', { aud: 'https://other.example.com' }, ''],
    ['a token for nobody', { aud: [], azp: undefined, client_id: undefined, cid: undefined }, ''],
  ])('does not pass as %s', async (_, change, typ) => {
    const outcome = await ask({ ...provider, typ: typ || (provider.typ ?? 'JWT') }, change);
    // WorkOS names nobody but by its issuer, which belongs to one client.
    expect(outcome.ok).toBe(provider.name === 'WorkOS' && Array.isArray(change['aud']));
  });

  // A claim that stands in for the audience is for tokens alone: there an API asks its issuer by name.
  if (provider.preset.recipient === undefined) {
    test('says the same of who calls where the issuer is asked', async () => {
      const jwt = await ask(provider);
      const answered = await askIssuer(provider);
      expect(principalIn(answered)).toEqual(principalIn(jwt));
      for (const [name, change] of Object.entries(provider.evil)) {
        expect([name, (await askIssuer(provider, change)).ok]).toEqual([name, false]);
      }
    });
  }

  test('does not pass once it has expired, or when another issuer has signed it', async () => {
    expect(await ask(provider, { exp: NOW / 1000 - 60 })).toMatchObject({
      denial: { code: 'token.expired' },
    });
    expect(await ask(provider, { iss: 'https://evil.example.com' })).toMatchObject({
      denial: { code: 'token.issuer_unknown' },
    });
  });
});

describe('tokens of several tenants of Entra ID', () => {
  const token = {
    iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    aud: API,
    azp: CLIENT,
    tid: TENANT,
    sub: 's',
    scp: 'Orders.Read',
    ver: '2.0',
    exp: NOW / 1000 + 60,
  };
  const ask = async (change: Claims = {}) => {
    const { jwk, token: sign } = signers.RS256;
    const fetch = vi
      .spyOn(globalThis, 'fetch')
      .mockImplementation(async () => Response.json({ keys: [jwk] }));
    onTestFinished(() => fetch.mockRestore());
    const issuers = entraIdTenants({ audience: API, tenants: (id) => id === TENANT, now });
    const text = await sign({
      header: JSON.stringify({ alg: 'RS256', kid: jwk.kid, typ: 'JWT' }),
      payload: JSON.stringify({ ...token, ...change }),
    });
    const headers = { authorization: `Bearer ${text}` };
    const request = new Request('https://api.example.com/', { headers });
    const outcome = await authenticateJwt({ issuers, now }).check(request, {});
    return { outcome, asked: fetch.mock.calls.map(([url]) => url) };
  };

  test('pass where the tenant is known, by the keys of organisations', async () => {
    const { outcome, asked } = await ask();
    expect(outcome).toMatchObject({
      ok: true,
      facts: { principal: { subject: 's', clientId: CLIENT, tenant: TENANT } },
    });
    expect(asked).toEqual(['https://login.microsoftonline.com/organizations/discovery/v2.0/keys']);
  });

  test.each<[string, Claims]>([
    [
      'a tenant that nobody knows',
      { iss: token.iss.replace(TENANT, OTHER_TENANT), tid: OTHER_TENANT },
    ],
    ['an issuer and a tenant that differ', { tid: OTHER_TENANT }],
    ['no tenant', { tid: undefined }],
    ['the issuer of version 1', { iss: `https://sts.windows.net/${TENANT}/` }],
    ['another recipient', { aud: CLIENT }],
    ['an ID token', { azp: undefined, scp: undefined, nonce: 'n' }],
  ])('do not pass with %s', async (_, change) => {
    const { outcome } = await ask(change);
    expect(outcome).toMatchObject({ ok: false, denial: { kind: 'unauthenticated' } });
  });
});

test.each<[string, () => unknown]>([
  [
    'an address in place of a host',
    () => auth0({ domain: 'https://shop.auth0.com', audience: AUDIENCE }),
  ],
  ['a tenant that is a name', () => entraId({ tenant: 'common', audience: AUDIENCE })],
  [
    'a path in the name of a pool',
    () => cognito({ region: 'eu-central-1', userPoolId: '../evil', clientId: 'a' }),
  ],
  [
    'no client',
    () => cognito({ region: 'eu-central-1', userPoolId: 'eu-central-1_a', clientId: [] }),
  ],
  [
    'a client and a resource',
    () =>
      cognito({
        region: 'eu-central-1',
        userPoolId: 'eu-central-1_a',
        clientId: 'a',
        audience: AUDIENCE,
      }),
  ],
  [
    'a type of issuer that is none',
    () =>
      cognito({
        region: 'eu-central-1',
        userPoolId: 'eu-central-1_a',
        clientId: 'a',
        issuerType: 'toString' as never,
      }),
  ],
  ['neither audience nor client', () => keycloak({ issuer: 'https://id.example.com/realms/a' })],
  ['no repository', () => githubActions({ audience: AUDIENCE, repositories: [] })],
  [
    'a sign that is something missing',
    () => ({
      ...googleIap({ audience: '/projects/1/apps/a' }),
      accessTokenSigns: [{ claim: 'a', isNot: 'b' }],
    }),
  ],
  [
    'a claim that must have no value at all',
    () => ({
      ...googleIap({ audience: '/projects/1/apps/a' }),
      requiredClaims: [{ claim: 'a', isNot: [] }],
    }),
  ],
  [
    'anonymous users by another word than yes',
    () => supabase({ project: 'abcdefgh', anonymous: 'no' as never }),
  ],
  [
    'an unknown option',
    () => okta({ domain: 'a.okta.com', audience: AUDIENCE, aud: 'x' } as never),
  ],
])('a preset with %s cannot be constructed', (_, make) => {
  expect(() => authenticateJwt(make() as never)).toThrow(/: /);
});

test.each([
  ['eu-central-1', undefined, 'cognito-idp.eu-central-1.amazonaws.com'],
  ['us-gov-west-1', undefined, 'cognito-idp.us-gov-west-1.amazonaws.com'],
  ['ap-southeast-7', 'updated' as const, 'issuer-cognito-idp.ap-southeast-7.amazonaws.com'],
  ['cn-north-1', undefined, 'cognito-idp.cn-north-1.amazonaws.com.cn'],
  ['eusc-de-east-1', undefined, 'cognito-idp.eusc-de-east-1.amazonaws.eu'],
  ['eusc-de-east-1', 'updated' as const, 'issuer-cognito-idp.eusc-de-east-1.amazonaws.eu'],
])('a pool of Cognito in %s (%s) is issued by %s', (region, issuerType, host) => {
  const userPoolId = `${region}_Ab12Cd34E`;
  expect(cognito({ region, userPoolId, clientId: 'a', issuerType })).toMatchObject({
    issuer: `https://${host}/${userPoolId}`,
  });
});

test('a preset can be changed, and what is not changed stays', async () => {
  const [{ preset, ...rest } = expect.fail()] = providers;
  const changed = { ...rest, preset: { ...preset, roles: ['https://example.com/roles'] } };
  const claims = { 'https://example.com/roles': ['clerk'] };
  const outcome = await ask(changed, claims);
  expect(outcome.ok && [...(principalIn(outcome) as Principal).roles]).toEqual(['clerk']);
  for (const evil of Object.values(rest.evil)) {
    expect(await ask(changed, { ...claims, ...evil })).toMatchObject({ ok: false });
  }
});

describe('a provider that runs on the machine of a developer', () => {
  const local = 'http://localhost:8080/realms/shop';
  const presets = {
    duende: (issuer: string, more: object) => duende({ issuer, audience: AUDIENCE, ...more }),
    keycloak: (issuer: string, more: object) => keycloak({ issuer, audience: AUDIENCE, ...more }),
    logto: (endpoint: string, more: object) => logto({ endpoint, audience: AUDIENCE, ...more }),
    springAuthorizationServer: (issuer: string, more: object) =>
      springAuthorizationServer({ issuer, audience: AUDIENCE, ...more }),
    zitadel: (issuer: string, more: object) => zitadel({ issuer, audience: AUDIENCE, ...more }),
  };
  const insecure = { insecureLoopback: true };

  test.each(Object.entries(presets))(
    'is accepted over http by %s if configured so',
    (_, preset) => {
      expect(() => preset(local, {})).toThrow(/insecureLoopback: true/);
      expect(() => preset('http://id.example.com', insecure)).toThrow(/not https/);
      expect(preset(local, insecure)).toMatchObject(insecure);
      expect(() => authenticateJwt(preset(local, insecure))).not.toThrow();
    },
  );
});
