-- A counter a tenant, so that tenants neither wait for each other nor share a row, and tenant in
-- every key, so that each table can be distributed by it (docs/scale.md).
-- Processes of the version before know one tenant: theirs is the row that stays.
ALTER TABLE sequence ADD COLUMN tenant integer;
UPDATE sequence SET tenant = coalesce((SELECT min(tenant) FROM tally), 1);
INSERT INTO sequence (tenant, t, rid, updated)
SELECT DISTINCT n.tenant, s.t, s.rid, s.updated FROM tally n CROSS JOIN sequence s
WHERE n.tenant <> s.tenant;
ALTER TABLE sequence ADD PRIMARY KEY (tenant);

ALTER TABLE audit_sequence ADD COLUMN tenant integer;
UPDATE audit_sequence SET tenant = (SELECT min(tenant) FROM sequence);
INSERT INTO audit_sequence (tenant, last)
SELECT DISTINCT n.tenant, s.last FROM (
  SELECT tenant FROM sequence UNION SELECT tenant FROM audit UNION SELECT tenant FROM outbox
) n CROSS JOIN audit_sequence s WHERE n.tenant <> s.tenant;
ALTER TABLE audit_sequence ADD PRIMARY KEY (tenant);

CREATE SEQUENCE outbox_order;
SELECT setval('outbox_order', coalesce(max(id), 0) + 1) FROM outbox;
ALTER TABLE outbox ALTER COLUMN id DROP IDENTITY;
ALTER TABLE outbox ALTER COLUMN id SET DEFAULT nextval('outbox_order');
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ADD PRIMARY KEY (tenant, id);

-- Adds what waits in a tenant's outbox, some thousand at most, and then the records given. How many
-- waited.
CREATE FUNCTION add_audit(of_tenant integer, records bytea[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  at bigint;
  until bigint;
  waited bigint;
BEGIN
  INSERT INTO audit_sequence (tenant, last) VALUES (of_tenant, 0) ON CONFLICT DO NOTHING;
  SELECT last INTO at FROM audit_sequence WHERE tenant = of_tenant FOR UPDATE;
  SELECT max(o.id) INTO until
  FROM (SELECT id FROM outbox WHERE tenant = of_tenant ORDER BY id LIMIT 1000) o;
  WITH moving AS (
    DELETE FROM outbox o WHERE o.tenant = of_tenant AND o.id <= until RETURNING o.id, o.record
  )
  INSERT INTO audit (seq, tenant, record)
  SELECT at + row_number() OVER (ORDER BY m.id), of_tenant, m.record FROM moving m;
  GET DIAGNOSTICS waited = ROW_COUNT;
  INSERT INTO audit (seq, tenant, record)
  SELECT at + waited + u.n, of_tenant, u.record FROM unnest(records) WITH ORDINALITY u(record, n);
  UPDATE audit_sequence SET last = at + waited + cardinality(records) WHERE tenant = of_tenant;
  RETURN waited;
END
$$;

-- For processes of the version before.
CREATE OR REPLACE FUNCTION add_audit(tenants integer[], records bytea[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  one integer;
  waited bigint := 0;
BEGIN
  FOR one IN SELECT u FROM unnest(tenants) u UNION SELECT tenant FROM outbox ORDER BY 1 LOOP
    waited := waited + add_audit(one, ARRAY(
      SELECT u.record FROM unnest(tenants, records) WITH ORDINALITY u(tenant, record, n)
      WHERE u.tenant = one ORDER BY u.n
    ));
  END LOOP;
  RETURN waited;
END
$$;
