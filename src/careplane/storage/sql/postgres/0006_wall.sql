-- What must be asked of all tenants at once, for whoever is held to one by row-level security
-- (engines/postgres/wall.py): some questions, answered with the rights of the owner. Tables are named
-- with their schema, so that nobody's temporary table takes their place.
DO $$
BEGIN
  EXECUTE format($f$
    CREATE FUNCTION state_of_all(of_space text, most bigint)
    RETURNS TABLE (tenant integer, key text, value bytea, revision bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT s.tenant, s.key, s.value, s.revision FROM %1$I.state s WHERE s.space = of_space
      ORDER BY s.tenant, s.key LIMIT most'
  $f$, current_schema());
  EXECUTE format($f$
    CREATE FUNCTION waiting_audit() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT count(*) FROM %1$I.outbox'
  $f$, current_schema());
  EXECUTE format($f$
    CREATE FUNCTION audited_tenants() RETURNS TABLE (tenant integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT a.tenant FROM %1$I.audit_sequence a UNION SELECT o.tenant FROM %1$I.outbox o'
  $f$, current_schema());
  EXECUTE format($f$
    CREATE FUNCTION destroyed_keys() RETURNS TABLE (owner bytea, number bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT k.owner, k.number FROM %1$I.key k WHERE length(k.wrapped) = 0'
  $f$, current_schema());
  EXECUTE format($f$
    CREATE FUNCTION any_key_of(numbers bytea[]) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT EXISTS (SELECT FROM %1$I.key k
      WHERE k.number = ANY(numbers) AND length(k.wrapped) > 0)'
  $f$, current_schema());
  EXECUTE format($f$
    CREATE FUNCTION any_body_below(of_form integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT EXISTS (SELECT FROM %1$I.version v WHERE v.form < of_form)'
  $f$, current_schema());
END
$$;
REVOKE ALL ON FUNCTION state_of_all(text, bigint), waiting_audit(), audited_tenants(),
  destroyed_keys(),
  any_key_of(bytea[]), any_body_below(integer) FROM PUBLIC;
