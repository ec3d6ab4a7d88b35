/**
 * The statements of the outbox. The queue is one index by the time at which a delivery is due, and what is at its front is
 * taken: a lease puts a delivery off to its end, and what cannot be sent yet (its endpoint is paused or not active,
 * another one of its order key comes first) is put off as well, `held`, until that has changed. So nobody reads past
 * the same deliveries twice, however many there are.
 */
export function outboxStatements(schema: string) {
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
      SELECT id, message_id, endpoint_id, body, order_key, at, at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
        WITH ORDINALITY AS new (id, message_id, endpoint_id, body, order_key, at, place)
      ORDER BY place
      ON CONFLICT (id) DO NOTHING RETURNING id`,
    // $5 at the front are looked at, and $2 taken. A delivery that another worker looks at is passed over, not waited
    // for. Put off is for as long again as it has waited, within bounds: who misses being woken is late, not lost.
    claim: `WITH front AS (
        SELECT d.id, d.endpoint_id, d.order_key, d.seq, d.created_at, d.due_at
        FROM ${schema}.webhook_deliveries d
        WHERE d.status = 'pending' AND d.due_at <= $1
        ORDER BY d.due_at, d.seq LIMIT $5 FOR UPDATE SKIP LOCKED
      ), judged AS (
        SELECT f.id, f.due_at, f.seq, CASE
          WHEN e.status IS DISTINCT FROM 'active'
            THEN $1 + least(greatest($1 - f.created_at, 60000), 3600000)
          WHEN e.paused_until > $1 THEN e.paused_until
          WHEN f.order_key IS NOT NULL AND EXISTS (
            SELECT FROM ${schema}.webhook_deliveries before
            WHERE before.endpoint_id = f.endpoint_id AND before.order_key = f.order_key
              AND before.status = 'pending' AND before.seq < f.seq)
            THEN $1 + least(greatest($1 - f.created_at, 5000), 60000)
          END AS held_until
        FROM front f LEFT JOIN ${schema}.webhook_endpoints e ON e.id = f.endpoint_id
      ), put_off AS (
        UPDATE ${schema}.webhook_deliveries d SET due_at = j.held_until, held = true
        FROM judged j WHERE d.id = j.id AND j.held_until IS NOT NULL RETURNING d.id
      ), open AS (
        SELECT id, due_at, seq FROM judged WHERE held_until IS NULL
        ORDER BY due_at, seq LIMIT $2
      ), taken AS (
        UPDATE ${schema}.webhook_deliveries d
        SET due_at = $3, lease = $4, held = false, attempts = attempts + 1
        FROM open WHERE d.id = open.id RETURNING d.id, d.message_id,
          d.endpoint_id, d.body, d.order_key, d.attempts, d.created_at, d.seq,
          open.due_at AS was_due_at
      )
      SELECT EXISTS (SELECT FROM put_off) AS held, taken.id, taken.message_id, taken.endpoint_id,
        taken.body, taken.order_key, taken.attempts, taken.created_at, e.tenant, e.url, e.secrets::text AS secrets,
        e.status AS endpoint_status, e.reason, e.version
      FROM (SELECT 1) one
      LEFT JOIN (taken JOIN ${schema}.webhook_endpoints e ON e.id = taken.endpoint_id) ON true
      ORDER BY taken.was_due_at, taken.seq`,
    wake: `UPDATE ${schema}.webhook_deliveries d SET due_at = d.created_at, held = false
      FROM (
        SELECT id FROM ${schema}.webhook_deliveries
        WHERE endpoint_id = $1 AND status = 'pending' AND held ORDER BY id FOR UPDATE
      ) put_off WHERE d.id = put_off.id AND d.held`,
    // What is held has a lease, and is pending: to say so as well would lead PostgreSQL through the whole queue.
    // Endpoints in the order of their ids, so that two workers never wait for each other.
    record: `WITH result AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::boolean[])
          AS r (id, lease, status, due_at, outcome, is_gone)
      ), done AS (
        UPDATE ${schema}.webhook_deliveries d
        SET status = r.status, due_at = r.due_at, last_outcome = r.outcome, lease = ''
        FROM result r
        WHERE d.id = ANY ($1::text[]) AND d.id = r.id AND d.lease = r.lease AND d.lease <> ''
        RETURNING d.id, d.endpoint_id, d.order_key, r.status, r.outcome, r.is_gone
      ), logged AS (
        INSERT INTO ${schema}.webhook_attempts (delivery_id, at, outcome)
        SELECT id, $7, outcome FROM done
      ), next AS (
        SELECT DISTINCT ON (done.endpoint_id, done.order_key) d.id
        FROM done JOIN ${schema}.webhook_deliveries d
          ON d.endpoint_id = done.endpoint_id AND d.order_key = done.order_key
        WHERE done.status <> 'pending' AND d.status = 'pending' AND d.id <> ALL ($1::text[])
        ORDER BY done.endpoint_id, done.order_key, d.seq
      ), woken AS (
        UPDATE ${schema}.webhook_deliveries d SET due_at = d.created_at, held = false
        FROM (
          SELECT w.id FROM ${schema}.webhook_deliveries w WHERE w.id IN (SELECT id FROM next)
          ORDER BY w.id FOR UPDATE
        ) first WHERE d.id = first.id AND d.held
      ), per_endpoint AS (
        SELECT endpoint_id, bool_or(status = 'delivered') AS any_good,
          count(*) FILTER (WHERE status <> 'delivered') AS bad, bool_or(is_gone) AS is_gone
        FROM done GROUP BY endpoint_id
      ), locked AS (
        SELECT e.id FROM ${schema}.webhook_endpoints e
        JOIN per_endpoint p ON p.endpoint_id = e.id
        WHERE p.bad > 0 OR e.failures > 0 ORDER BY e.id FOR UPDATE OF e
      )
      UPDATE ${schema}.webhook_endpoints e
      SET failures = CASE WHEN p.any_good THEN 0 ELSE e.failures + p.bad END,
        paused_until = CASE WHEN NOT p.any_good AND e.failures + p.bad >= $8 THEN $9::bigint
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
      SET status = 'pending', attempts = 0, due_at = $3, lease = '', held = false
      WHERE endpoint_id = $1 AND status <> 'pending'
        AND (CASE WHEN $2::text[] IS NULL THEN status = 'failed' ELSE id = ANY ($2::text[]) END)
      RETURNING id`,
    // What another worker forgets is passed over. Whoever replays one waits, and finds it gone or keeps it.
    prune: `WITH old AS (
        SELECT id FROM ${schema}.webhook_deliveries
        WHERE status <> 'pending' AND due_at < $1
        ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
      ), forgotten AS (
        DELETE FROM ${schema}.webhook_deliveries d USING old WHERE d.id = old.id RETURNING d.id
      ), attempts AS (
        DELETE FROM ${schema}.webhook_attempts a USING old WHERE a.delivery_id = old.id
      )
      SELECT id FROM forgotten`,
  };
}
