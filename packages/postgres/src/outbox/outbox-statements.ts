import { presentAtStart } from '../client/clock.ts';

/**
 * The statements of the outbox. Times go by the clock of the database: the first parameter of what asks for it stands
 * for the present in tests, and all others are milliseconds from now.
 *
 * The queue is one index by the time at which a delivery is due, and what is at its front
 * is taken: a lease puts a delivery off to its end, and what cannot be sent yet (its endpoint is paused or not active,
 * another one of its order key comes first, it would be more than the share of its endpoint or tenant) is put off as
 * well, `held`, until that has changed. So nobody reads past the same deliveries twice, however many there are.
 */
export function outboxStatements(schema: string) {
  const now = presentAtStart('$1');
  const endpoint =
    'tenant, url, secrets::text AS secrets, status AS endpoint_status, reason, version';
  return {
    insertEndpoint: `INSERT INTO ${schema}.webhook_endpoints
        (id, tenant, url, secrets, status, reason, version)
      VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7)
      ON CONFLICT (id) DO NOTHING RETURNING id`,
    replaceEndpoint: `UPDATE ${schema}.webhook_endpoints
      SET tenant = $2, url = $3, secrets = $4::jsonb, status = $5, reason = $6, version = $7,
        paused_until = CASE WHEN status = $5 THEN paused_until ELSE 0 END
      WHERE id = $1 AND version = $8 RETURNING id`,
    getEndpoint: `SELECT id, ${endpoint} FROM ${schema}.webhook_endpoints WHERE id = $1`,
    add: `INSERT INTO ${schema}.webhook_deliveries
        (id, message_id, endpoint_id, body, order_key, created_at, due_at)
      SELECT id, message_id, endpoint_id, body, order_key, ${now}, ${now}
      FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
        WITH ORDINALITY AS new (id, message_id, endpoint_id, body, order_key, place)
      ORDER BY place
      ON CONFLICT (id) DO NOTHING RETURNING id`,
    // $5 at the front are looked at, and $2 taken. A delivery that another worker looks at is passed over, not waited
    // for. Put off is for as long again as it has waited, within bounds: who misses being woken is late, not lost.
    // $6 to $11: how many more each endpoint and each tenant may get; $12: what is more than that is put off as well.
    claim: `WITH front AS (
        SELECT d.id, d.endpoint_id, d.order_key, d.seq, d.created_at, d.due_at
        FROM ${schema}.webhook_deliveries d
        WHERE d.status = 'pending' AND d.due_at <= ${now}
        ORDER BY d.due_at, d.seq LIMIT $5 FOR UPDATE SKIP LOCKED
      ), judged AS (
        SELECT f.id, f.endpoint_id, e.tenant, f.due_at, f.seq, f.created_at, CASE
          WHEN e.status IS DISTINCT FROM 'active'
            THEN ${now} + least(greatest(${now} - f.created_at, 60000), 3600000)
          WHEN e.paused_until > ${now} THEN e.paused_until
          WHEN f.order_key IS NOT NULL AND EXISTS (
            SELECT FROM ${schema}.webhook_deliveries before
            WHERE before.endpoint_id = f.endpoint_id AND before.order_key = f.order_key
              AND before.status = 'pending' AND before.seq < f.seq)
            THEN ${now} + least(greatest(${now} - f.created_at, 5000), 60000)
          END AS held_until
        FROM front f LEFT JOIN ${schema}.webhook_endpoints e ON e.id = f.endpoint_id
      ), of_endpoints AS (
        SELECT j.*, coalesce(s.places, $6) < row_number()
            OVER (PARTITION BY j.endpoint_id ORDER BY j.due_at, j.seq) AS is_over
        FROM judged j
        LEFT JOIN unnest($7::text[], $8::int[]) AS s (id, places) ON s.id = j.endpoint_id
        WHERE j.held_until IS NULL
      ), of_tenants AS (
        SELECT o.*, coalesce(s.places, $9) < row_number()
            OVER (PARTITION BY o.tenant ORDER BY o.due_at, o.seq) AS is_over_tenant
        FROM of_endpoints o
        LEFT JOIN unnest($10::text[], $11::int[]) AS s (tenant, places) ON s.tenant = o.tenant
        WHERE NOT o.is_over
      ), unsendable AS (
        SELECT id, held_until, NULL AS waits_for FROM judged WHERE held_until IS NOT NULL
        UNION ALL SELECT id, ${now} + least(greatest(${now} - created_at, 5000), 600000), 'e:' || endpoint_id
        FROM of_endpoints WHERE is_over AND $12
        UNION ALL SELECT id, ${now} + least(greatest(${now} - created_at, 5000), 600000), 't:' || tenant
        FROM of_tenants WHERE is_over_tenant AND $12
      ), put_off AS (
        UPDATE ${schema}.webhook_deliveries d
        SET due_at = u.held_until, held = true, waits_for = u.waits_for
        FROM unsendable u WHERE d.id = u.id RETURNING d.id
      ), open AS (
        SELECT id, due_at, seq FROM of_tenants WHERE NOT is_over_tenant
        ORDER BY due_at, seq LIMIT $2
      ), taken AS (
        UPDATE ${schema}.webhook_deliveries d
        SET due_at = ${now} + $3::bigint, lease = $4, held = false, waits_for = NULL, attempts = attempts + 1
        FROM open WHERE d.id = open.id RETURNING d.id, d.message_id,
          d.endpoint_id, d.body, d.order_key, d.attempts, d.created_at, d.seq,
          open.due_at AS was_due_at
      )
      SELECT EXISTS (SELECT FROM put_off) AS held,
        EXISTS (SELECT FROM of_endpoints WHERE is_over)
          OR EXISTS (SELECT FROM of_tenants WHERE is_over_tenant) AS is_over, taken.id, taken.message_id, taken.endpoint_id,
        taken.body, taken.order_key, taken.attempts, taken.created_at, e.tenant, e.url, e.secrets::text AS secrets,
        e.status AS endpoint_status, e.reason, e.version
      FROM (SELECT 1) one
      LEFT JOIN (taken JOIN ${schema}.webhook_endpoints e ON e.id = taken.endpoint_id) ON true
      ORDER BY taken.was_due_at, taken.seq`,
    // Is there anything for those who have a part of their share left? Where the queue is longer than that, there may
    // be.
    othersWait: `WITH front AS (
        SELECT d.endpoint_id FROM ${schema}.webhook_deliveries d
        WHERE d.status = 'pending' AND d.due_at <= ${now} ORDER BY d.due_at, d.seq LIMIT $4
      )
      SELECT count(*) FILTER (WHERE e.status = 'active' AND e.paused_until <= ${now}
          AND e.id <> ALL ($2::text[]) AND e.tenant <> ALL ($3::text[])) > 0
        OR sum(f.deliveries) >= $4 AS others
      FROM (SELECT endpoint_id, count(*) AS deliveries FROM front GROUP BY endpoint_id) f
      LEFT JOIN ${schema}.webhook_endpoints e ON e.id = f.endpoint_id`,
    wake: `UPDATE ${schema}.webhook_deliveries d
      SET due_at = d.created_at, held = false, waits_for = NULL
      FROM (
        SELECT id FROM ${schema}.webhook_deliveries
        WHERE endpoint_id = $1 AND status = 'pending' AND held ORDER BY id FOR UPDATE
      ) put_off WHERE d.id = put_off.id AND d.held`,
    // What is held has a lease, and is pending: to say so as well would lead PostgreSQL through the whole queue.
    // Endpoints in the order of their ids, so that two workers never wait for each other. Each place that is free again
    // wakes one that waits for it; one more, so that an endpoint gets back what others have left.
    record: `WITH result AS (
        SELECT * FROM unnest(
            $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::boolean[], $8::boolean[])
          AS r (id, lease, status, due_in, outcome, is_gone, is_local)
      ), done AS (
        UPDATE ${schema}.webhook_deliveries d
        SET status = r.status, due_at = ${now} + r.due_in, last_outcome = r.outcome, lease = '',
          attempts = d.attempts - r.is_local::int
        FROM result r
        WHERE d.id = ANY ($2::text[]) AND d.id = r.id AND d.lease = r.lease AND d.lease <> ''
        RETURNING d.id, d.endpoint_id, d.order_key, r.status, r.outcome, r.is_gone, r.is_local
      ), logged AS (
        INSERT INTO ${schema}.webhook_attempts (delivery_id, at, outcome)
        SELECT id, ${now}, outcome FROM done
      ), next AS (
        SELECT DISTINCT ON (done.endpoint_id, done.order_key) d.id
        FROM done JOIN ${schema}.webhook_deliveries d
          ON d.endpoint_id = done.endpoint_id AND d.order_key = done.order_key
        WHERE done.status <> 'pending' AND d.status = 'pending' AND d.id <> ALL ($2::text[])
        ORDER BY done.endpoint_id, done.order_key, d.seq
      ), freed AS (
        SELECT 'e:' || endpoint_id AS key, count(*) AS places FROM done GROUP BY endpoint_id
        UNION ALL SELECT 't:' || e.tenant, count(*)
        FROM done JOIN ${schema}.webhook_endpoints e ON e.id = done.endpoint_id GROUP BY e.tenant
      ), waiting AS (
        SELECT w.id FROM freed, LATERAL (
          SELECT d.id FROM ${schema}.webhook_deliveries d
          WHERE d.status = 'pending' AND d.held AND d.waits_for = freed.key
          ORDER BY d.seq LIMIT freed.places + 1 FOR UPDATE SKIP LOCKED
        ) w
      ), woken AS (
        UPDATE ${schema}.webhook_deliveries d
        SET due_at = d.created_at, held = false, waits_for = NULL
        FROM (
          SELECT first.id FROM (
            SELECT w.id FROM ${schema}.webhook_deliveries w WHERE w.id IN (SELECT id FROM next)
            ORDER BY w.id FOR UPDATE
          ) first
          UNION SELECT id FROM waiting
        ) w WHERE d.id = w.id AND d.held
      ), per_endpoint AS (
        SELECT endpoint_id, bool_or(status = 'delivered') AS any_good,
          count(*) FILTER (WHERE status <> 'delivered') AS bad, bool_or(is_gone) AS is_gone
        FROM done WHERE NOT is_local GROUP BY endpoint_id
      ), locked AS (
        SELECT e.id FROM ${schema}.webhook_endpoints e
        JOIN per_endpoint p ON p.endpoint_id = e.id
        WHERE p.bad > 0 OR e.failures > 0 ORDER BY e.id FOR UPDATE OF e
      )
      UPDATE ${schema}.webhook_endpoints e
      SET failures = CASE WHEN p.any_good THEN 0 ELSE e.failures + p.bad END,
        paused_until = CASE WHEN NOT p.any_good AND e.failures + p.bad >= $9 THEN ${now} + $10::bigint
          ELSE e.paused_until END,
        status = CASE WHEN p.is_gone THEN 'disabled' ELSE e.status END,
        reason = CASE WHEN p.is_gone THEN 'gone' ELSE e.reason END,
        version = CASE WHEN p.is_gone THEN gen_random_uuid()::text ELSE e.version END
      FROM per_endpoint p JOIN locked l ON l.id = p.endpoint_id
      WHERE e.id = p.endpoint_id`,
    list: `SELECT id, message_id, endpoint_id, body, order_key, status, attempts, created_at, due_at,
        last_outcome
      FROM ${schema}.webhook_deliveries
      WHERE endpoint_id = $1 AND ($2::text IS NULL OR status = $2) ORDER BY seq DESC LIMIT $3`,
    replay: `UPDATE ${schema}.webhook_deliveries
      SET status = 'pending', attempts = 0, due_at = ${now}, lease = '', held = false, waits_for = NULL
      WHERE endpoint_id = $2 AND status <> 'pending'
        AND (CASE WHEN $3::text[] IS NULL THEN status = 'failed' ELSE id = ANY ($3::text[]) END)
      RETURNING id`,
    // What another worker forgets is passed over. Whoever replays one waits, and finds it gone or keeps it.
    prune: `WITH old AS (
        SELECT id FROM ${schema}.webhook_deliveries
        WHERE status <> 'pending' AND due_at < ${now} - $2::bigint
        ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
      ), forgotten AS (
        DELETE FROM ${schema}.webhook_deliveries d USING old WHERE d.id = old.id RETURNING d.id
      ), attempts AS (
        DELETE FROM ${schema}.webhook_attempts a USING old WHERE a.delivery_id = old.id
      )
      SELECT id FROM forgotten`,
  };
}
