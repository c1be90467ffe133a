-- The schema, version 1. tenant leads every key, and distributes the tables where they are: what
-- had none here has one since version 2.
-- Numbers called ident, key, param and unit are hashes: see engines/postgres/names.py.

-- One row: a mark of the key that the numbers are made with.
CREATE TABLE installation (mark bytea NOT NULL);

-- One row. Whoever commits locks it first, so that t rises in the order of commit, and guards see
-- everything that was committed before. t: the last version; rid: the last place in the order of
-- answers; updated: milliseconds since 1970, never falling.
CREATE TABLE sequence (
  t bigint NOT NULL,
  rid bigint NOT NULL,
  updated bigint NOT NULL
);
INSERT INTO sequence VALUES (0, 0, 0);

-- Every resource that was ever written or referred to, with all that it is found by.
-- version 0: referred to only. born: the t of its first version. gone: nothing to find.
-- groups: how many groups of composite parameters. The arrays: see engines/postgres/layout.py.
CREATE TABLE resource (
  tenant integer NOT NULL,
  version integer NOT NULL,
  ident bigint NOT NULL,
  rid bigint NOT NULL,
  born bigint NOT NULL,
  updated bigint NOT NULL,
  groups integer NOT NULL,
  gone boolean NOT NULL,
  type text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  keys bigint[] NOT NULL,
  group_keys bigint[],
  dates bigint[],
  numbers double precision[],
  PRIMARY KEY (tenant, ident)
);
-- What was added last waits in a short list, and enters the index together: half of the work.
CREATE INDEX resource_keys ON resource USING gin (keys)
  WITH (fastupdate = on, gin_pending_list_limit = 128);
CREATE INDEX resource_order ON resource (tenant, type, rid) WHERE NOT gone;
CREATE INDEX resource_updated ON resource (tenant, updated);

-- Every version; append only. form: 4 * body encoding + method.
CREATE TABLE version (
  tenant integer NOT NULL,
  version integer NOT NULL,
  ident bigint NOT NULL,
  t bigint NOT NULL,
  updated bigint NOT NULL,
  form integer NOT NULL,
  type text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (tenant, ident, version)
);
ALTER TABLE version ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX version_t ON version (tenant, t);
CREATE INDEX version_type ON version (tenant, type, t);
CREATE INDEX version_updated ON version USING brin (updated) WITH (autosummarize = on);

-- How many current, undeleted resources there are.
CREATE TABLE tally (
  tenant integer NOT NULL,
  type text COLLATE "C" NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (tenant, type)
);

-- Ranges as ways to resources; a candidate is checked by its own arrays.
-- wide: 0 up to a day, 1 up to a leap year, 2 more.
CREATE TABLE date_range (
  tenant integer NOT NULL,
  wide integer NOT NULL,
  param bigint NOT NULL,
  low bigint NOT NULL,
  high bigint NOT NULL,
  ident bigint NOT NULL
);
CREATE INDEX date_range_all ON date_range (tenant, param, wide, low, high, ident);

-- Numbers (unit 0) and quantities. wide: 0 for a point, 1 for a range.
CREATE TABLE number_range (
  tenant integer NOT NULL,
  wide integer NOT NULL,
  param bigint NOT NULL,
  unit bigint NOT NULL,
  low double precision NOT NULL,
  high double precision NOT NULL,
  ident bigint NOT NULL
);
CREATE INDEX number_range_all ON number_range (tenant, param, unit, wide, low, high, ident);

-- The texts behind keys: strings, uris (text is '') and codes (text is '').
CREATE TABLE term (
  tenant integer NOT NULL,
  key bigint NOT NULL,
  param bigint NOT NULL,
  folded text COLLATE "C" NOT NULL,
  text text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, key)
);
CREATE INDEX term_folded ON term (tenant, param, left(folded, 64));

-- unit & 3: 0 as written, 1 as written and there is a canonical form too, 2 canonical.
CREATE TABLE unit (
  tenant integer NOT NULL,
  unit bigint NOT NULL,
  code text COLLATE "C" NOT NULL,
  system text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, unit)
);

-- The audit trail; append only. The one row of audit_sequence is locked to add to it.
CREATE TABLE audit_sequence (last bigint NOT NULL);
INSERT INTO audit_sequence VALUES (0);
CREATE TABLE audit (
  seq bigint NOT NULL,
  tenant integer NOT NULL,
  record bytea NOT NULL,
  PRIMARY KEY (tenant, seq)
);
-- Audit records of units of work, in order of commit, until they stand in the trail.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant integer NOT NULL,
  record bytea NOT NULL
);

-- Adds what waits in the outbox, a thousand at most, and then the records given. How many waited.
CREATE FUNCTION add_audit(tenants integer[], records bytea[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  at bigint;
  waited bigint;
BEGIN
  SELECT last INTO at FROM audit_sequence FOR UPDATE;
  WITH moving AS (
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT 1000)
    RETURNING id, outbox.tenant, record
  )
  INSERT INTO audit SELECT at + row_number() OVER (ORDER BY m.id), m.tenant, m.record
  FROM moving m;
  GET DIAGNOSTICS waited = ROW_COUNT;
  INSERT INTO audit SELECT at + waited + u.n, u.tenant, u.record
  FROM unnest(tenants, records) WITH ORDINALITY u(tenant, record, n);
  UPDATE audit_sequence SET last = at + waited + cardinality(tenants);
  RETURN waited;
END
$$;

-- What services remember beside the records (storage.ports.state).
CREATE SEQUENCE revision;
CREATE TABLE state (
  tenant integer NOT NULL,
  space text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (space, tenant, key)
);
