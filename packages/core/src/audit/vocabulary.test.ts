import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codes } from '../engine/codes.ts';
import type { DenialKind } from '../engine/denial.ts';
import type { AuditEvent } from './event.ts';
import { ocsfClasses, toOcsf } from './ocsf.ts';
import {
  type AuditEventName,
  auditActs,
  auditSeverities,
  denialEventName,
  namesByArea,
  namesByCode,
  ownActs,
} from './vocabulary.ts';

/** The table of names in the guide: cells between their bars. */
function guideRows(): readonly (readonly string[])[] {
  const guide = readFileSync(
    new URL('../../../../docs/guides/logging.md', import.meta.url),
    'utf8',
  );
  return guide
    .split('\n')
    .filter((line) => /^\| `[a-z]+_/.test(line))
    .map((row) => row.split('|'));
}

describe('the OWASP logging vocabulary', () => {
  test.each<readonly [DenialKind, string, string]>([
    ['unauthenticated', 'token.expired', 'authn_login_fail'],
    ['unauthenticated', 'token.revoked', 'authn_token_reuse'],
    ['unauthenticated', 'api_key.unknown', 'authn_login_fail'],
    ['rate_limited', 'api_key.quota_exceeded', 'excess_rate_limit_exceeded'],
    ['unavailable', 'api_key.store_unavailable', 'sys_unavailable'],
    ['unauthenticated', 'dpop.replayed', 'authn_token_reuse'],
    ['forbidden', 'scope.insufficient', 'authz_fail'],
    ['forbidden', 'operation.unlisted', 'authz_fail'],
    ['rate_limited', 'limit.exceeded', 'excess_rate_limit_exceeded'],
    ['rate_limited', 'failures.throttled', 'authn_login_fail_max'],
    ['malformed', 'message.malformed', 'input_validation_fail'],
    ['forbidden', 'cors.origin_refused', 'malicious_cors'],
    ['forbidden', 'csrf.cross_origin', 'malicious_csrf'],
    ['forbidden', 'enumeration.detected', 'malicious_direct_reference'],
    ['forbidden', 'step.missing', 'sequence_fail'],
    ['unauthenticated', 'session.missing', 'authn_login_fail'],
    ['unauthenticated', 'session.unknown', 'session_use_after_expire'],
    ['malformed', 'input.invalid', 'input_validation_fail'],
    ['malformed', 'input.unknown_member', 'malicious_extraneous'],
    ['forbidden', 'human.denied', 'malicious_attack_tool'],
    ['rate_limited', 'totp.locked', 'authn_login_lock'],
    ['internal', 'policy.threw', 'sys_unavailable'],
    ['internal', 'tenant.leak', 'authz_fail'],
    ['rate_limited', 'shop.too_many', 'excess_rate_limit_exceeded'],
    ['forbidden', 'constructor', 'authz_fail'],
    ['forbidden', '__proto__.x', 'authz_fail'],
  ])('calls %s %s %s', (kind, code, name) => {
    expect(denialEventName({ kind, code })).toBe(name);
  });

  test('has a name with a severity for every code', () => {
    for (const code of Object.keys(codes)) {
      const name = denialEventName({ kind: 'forbidden', code });
      expect(auditSeverities[name]).toBeDefined();
    }
  });

  test('is listed in the guide, name by name', () => {
    const listed = guideRows().flatMap(([, names]) => names?.match(/\w+/g) ?? []);
    expect(listed.toSorted()).toEqual(Object.keys(auditSeverities).toSorted());
  });

  test('is what the guide says of the acts and codes that it names', () => {
    let named = 0;
    for (const [, names = '', emitted = ''] of guideRows()) {
      let area = '';
      for (const [, given = '', problem] of emitted.matchAll(/`([a-z_]*)\.([a-z_]+)`/g)) {
        area = given === '' ? area : given;
        const code = `${area}.${problem}`;
        const isDenial = new RegExp(`denial \`${given}\\.${problem}\``).test(emitted);
        const name = isDenial
          ? denialEventName({ kind: 'rate_limited', code })
          : auditActs[code as keyof typeof auditActs];
        expect(names.match(/\w+/g), code).toContain(name);
        named++;
      }
    }
    expect(named).toBeGreaterThan(20);
  });

  test('singles out codes and areas that there are', () => {
    const areas = new Set(Object.keys(codes).map((code) => code.slice(0, code.indexOf('.'))));
    expect(Object.keys(namesByCode).filter((code) => !Object.hasOwn(codes, code))).toEqual([]);
    expect(Object.keys(namesByArea).filter((area) => !areas.has(area))).toEqual([]);
  });

  test('has no name that nothing emits', () => {
    const kinds: readonly DenialKind[] = ['malformed', 'unauthenticated', 'forbidden', 'internal'];
    const emitted = new Set<AuditEventName>(['authz_success', 'excess_rate_limit_exceeded']);
    for (const code of Object.keys(codes)) {
      for (const kind of kinds) emitted.add(denialEventName({ kind, code }));
    }
    // What `sensitive` operations are called, by their method; audit.test.ts sees each of them.
    for (const what of ['create', 'read', 'update', 'delete'] as const) {
      emitted.add(`sensitive_${what}`);
    }
    for (const [act, name] of Object.entries(auditActs)) {
      if (!ownActs.some((own) => own === act)) emitted.add(name);
    }
    expect([...emitted].toSorted()).toEqual(Object.keys(auditSeverities).toSorted());
  });
});

describe('OCSF', () => {
  const event: AuditEvent = {
    schema: 'apisec.audit/1',
    id: 'w-1',
    time: 1_700_000_000_000,
    kind: 'decision',
    event: 'authz_fail',
    severity: 'critical',
    outcome: 'denied',
    operation: 'DELETE /orders/:id',
    status: 403,
    code: 'scope.insufficient',
    principal: 'p',
    peer: '192.0.2.7',
  };

  test('a denied call is an API activity that failed', () => {
    expect(toOcsf(event)).toMatchObject({
      metadata: { version: '1.6.0', uid: 'w-1' },
      category_uid: 6,
      class_uid: 6003,
      activity_id: 4,
      type_uid: 600_304,
      severity_id: 5,
      status_id: 2,
      status_code: '403',
      status_detail: 'scope.insufficient',
      actor: { user: { uid: 'p' } },
      api: { operation: 'DELETE /orders/:id' },
      src_endpoint: { ip: '192.0.2.7' },
    });
  });

  test('a token that is not valid is an authentication that failed', () => {
    expect(toOcsf({ ...event, event: 'authn_login_fail' })).toMatchObject({
      class_uid: 3002,
      type_uid: 300_201,
      status_id: 2,
      user: { uid: 'p' },
      service: { name: 'apisec' },
    });
  });

  test('an administrative act assigns privileges', () => {
    const act = {
      ...event,
      kind: 'act',
      event: 'authz_admin',
      act: 'limit.reset',
      outcome: 'succeeded',
    } as const;
    expect(toOcsf(act)).toMatchObject({
      class_uid: 3003,
      type_uid: 300_301,
      privileges: ['limit.reset'],
      status_id: 1,
    });
  });

  test('every event has a class, and every act an event', () => {
    expect(Object.keys(ocsfClasses).toSorted()).toEqual(Object.keys(auditSeverities).toSorted());
    for (const name of Object.values(auditActs)) expect(ocsfClasses[name]).toBeDefined();
  });
});
