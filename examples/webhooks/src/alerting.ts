import {
  type AuditSink,
  audit,
  authenticateJwt,
  guard,
  requireScopes,
  type TrustedIssuer,
} from '@apisec/core';
import type { Webhooks } from '@apisec/egress';
import { alerts } from '@apisec/insights';

/** Sends each alert as a webhook to whoever is on call. */
export function alertsByWebhook(hooks: Pick<Webhooks, 'send'>, endpointId: string): AuditSink {
  return alerts({
    rules: [
      { name: 'guessing', when: { event: 'authn_login_fail' }, count: 5, within: '1m', by: 'peer' },
      { name: 'trail broken', when: { act: 'audit.chain_broken' } },
    ],
    notify: async ({ rule, subject, count, event }) => {
      const data = { rule, subject, count, code: event.code, operation: event.operation };
      await hooks.send({ endpointId, type: 'security.alert', data });
    },
  });
}

/** Orders, and an audit trail whose events are watched. */
export function watchedOrders(trusted: TrustedIssuer, watcher: AuditSink) {
  const log = audit({ sinks: [watcher] });
  const orders = guard().use(log).use(authenticateJwt(trusted)).use(requireScopes('orders:read'));
  return { log, orders };
}
