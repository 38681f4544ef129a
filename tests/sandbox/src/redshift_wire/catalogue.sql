-- What Redshift's catalogue has and PostgreSQL's has not, as far as dbt-redshift and the set-up of roles ask for it.
-- Columns: Amazon Redshift Database Developer Guide, "System tables and views reference". What a column of storage would
-- say is unknown here: null.

SET allow_system_table_mods = on;

-- Nobody but the warehouse itself and its administrator looks in here directly.
CREATE SCHEMA sandbox;
CREATE TABLE sandbox.identity_providers (name text PRIMARY KEY, namespace text NOT NULL, application_arn text NOT NULL);

-- A user of the identity provider with the roles that the groups give: made where it is not there, and held to them.
CREATE FUNCTION sandbox.admit(person name, namespace text, wanted text[]) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    role name;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = person) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', person);
    END IF;
    FOR role IN
        SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
        WHERE u.rolname = person AND starts_with(lower(r.rolname), namespace || ':') AND lower(r.rolname) <> ALL (wanted)
    LOOP
        EXECUTE format('REVOKE %I FROM %I', role, person);
    END LOOP;
    FOR role IN
        SELECT r.rolname FROM pg_roles r
        WHERE lower(r.rolname) = ANY (wanted) AND r.rolname <> person AND NOT pg_has_role(person, r.oid, 'member')
    LOOP
        EXECUTE format('GRANT %I TO %I', role, person);
    END LOOP;
END
$function$;
REVOKE ALL ON FUNCTION sandbox.admit FROM PUBLIC;

CREATE VIEW pg_catalog.svv_identity_providers AS
    SELECT row_number() OVER (ORDER BY name)::int AS uid, name, 'awsidc'::text AS type, application_arn AS instanceid,
        namespace AS namespc, NULL::text AS params, true AS enabled
    FROM sandbox.identity_providers;

CREATE VIEW pg_catalog.svv_roles AS
    SELECT oid AS role_id, rolname::text AS role_name, NULL::text AS role_owner, NULL::text AS external_id
    FROM pg_roles WHERE NOT rolcanlogin AND rolname !~ '^pg_';

CREATE VIEW pg_catalog.svv_user_grants AS
    SELECT u.oid AS user_id, u.rolname::text AS user_name, r.oid AS role_id, r.rolname::text AS role_name,
        m.admin_option
    FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
    WHERE u.rolcanlogin;

CREATE VIEW pg_catalog.svv_columns AS SELECT * FROM information_schema.columns;

CREATE VIEW pg_catalog.svv_tables AS
    SELECT table_catalog, table_schema, table_name, table_type, NULL::text AS remarks FROM information_schema.tables;

CREATE VIEW pg_catalog.svv_redshift_columns AS
    SELECT table_catalog::text AS database_name, table_schema::text AS schema_name, table_name::text AS table_name,
        column_name::text AS column_name, ordinal_position::int AS ordinal_position, data_type::text AS data_type,
        column_default::text AS column_default, is_nullable::text AS is_nullable, NULL::text AS encoding,
        NULL::bool AS distkey, NULL::int AS sortkey, NULL::text AS column_acl, NULL::text AS remarks
    FROM information_schema.columns;

CREATE VIEW pg_catalog.svv_external_columns AS
    SELECT NULL::text AS redshift_database_name, NULL::text AS schemaname, NULL::text AS tablename,
        NULL::text AS columnname, NULL::text AS external_type, NULL::int AS columnnum, NULL::int AS part_key,
        NULL::text AS is_nullable
    WHERE false;

CREATE VIEW pg_catalog.svv_table_info AS
    SELECT current_database()::text AS database, n.nspname::text AS schema, c.oid AS table_id, c.relname::text AS "table",
        NULL::text AS encoded, 'AUTO(ALL)'::text AS diststyle, NULL::text AS sortkey1, NULL::int AS max_varchar,
        NULL::text AS sortkey1_enc, 0 AS sortkey_num, 1::bigint AS size, 0::numeric AS pct_used, 0::bigint AS empty,
        NULL::numeric AS unsorted, 0::numeric AS stats_off, c.reltuples::numeric AS tbl_rows,
        NULL::numeric AS skew_sortkey1, NULL::numeric AS skew_rows, c.reltuples::numeric AS estimated_visible_rows
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sandbox');

CREATE VIEW pg_catalog.svv_mv_info AS
    SELECT current_database()::text AS database_name, schemaname::text AS schema_name, NULL::text AS user_name,
        matviewname::text AS name, 'f'::text AS is_stale, 0 AS state, false AS autorefresh
    FROM pg_matviews;

GRANT SELECT ON pg_catalog.svv_identity_providers, pg_catalog.svv_roles, pg_catalog.svv_user_grants, pg_catalog.svv_columns,
    pg_catalog.svv_tables, pg_catalog.svv_redshift_columns, pg_catalog.svv_external_columns, pg_catalog.svv_table_info,
    pg_catalog.svv_mv_info TO PUBLIC;

-- Late-binding views are ordinary views here.
CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS
    $function$ SELECT ''::name, ''::name, ''::name, ''::varchar, 0 WHERE false $function$;

CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
    $function$ SELECT date_trunc('second', now() AT TIME ZONE 'UTC') $function$;

CREATE FUNCTION pg_catalog.nvl(anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS
    $function$ SELECT coalesce($1, $2) $function$;

CREATE FUNCTION pg_catalog.len(text) RETURNS int LANGUAGE sql IMMUTABLE AS $function$ SELECT length($1) $function$;

-- SHOW SCHEMAS FROM DATABASE, SHOW TABLES FROM SCHEMA, SHOW COLUMNS FROM TABLE.
CREATE FUNCTION sandbox.show_schemas(of_database text, pattern text)
    RETURNS TABLE (database_name text, schema_name text, schema_owner text, schema_type text)
    LANGUAGE sql STABLE AS $function$
    SELECT current_database()::text, nspname::text, nspowner::text, 'local'
    FROM pg_namespace WHERE of_database = current_database() AND nspname LIKE pattern
        AND nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'sandbox')
$function$;

CREATE FUNCTION sandbox.show_tables(of_database text, of_schema text, pattern text)
    RETURNS TABLE (database_name text, schema_name text, table_name text, table_type text, table_acl text, remarks text)
    LANGUAGE sql STABLE AS $function$
    SELECT table_catalog::text, table_schema::text, t.table_name::text,
        CASE table_type WHEN 'BASE TABLE' THEN 'TABLE' ELSE table_type END::text, NULL::text, NULL::text
    FROM information_schema.tables t
    WHERE of_database = current_database() AND table_schema = of_schema AND t.table_name LIKE pattern
$function$;

CREATE FUNCTION sandbox.show_columns(of_database text, of_schema text, of_table text, pattern text)
    RETURNS TABLE (database_name text, schema_name text, table_name text, column_name text, ordinal_position int,
        column_default text, is_nullable text, data_type text, character_maximum_length int, numeric_precision int,
        numeric_scale int, remarks text)
    LANGUAGE sql STABLE AS $function$
    SELECT table_catalog::text, table_schema::text, c.table_name::text, c.column_name::text, c.ordinal_position::int,
        c.column_default::text, c.is_nullable::text, c.data_type::text, c.character_maximum_length::int,
        c.numeric_precision::int, c.numeric_scale::int, NULL::text
    FROM information_schema.columns c
    WHERE of_database = current_database() AND table_schema = of_schema AND c.table_name = of_table
        AND c.column_name LIKE pattern
    ORDER BY c.ordinal_position
$function$;
GRANT USAGE ON SCHEMA sandbox TO PUBLIC;

-- Redshift lets everybody make tables in the schema public; PostgreSQL does not any more.
GRANT CREATE ON SCHEMA public TO PUBLIC;

RESET allow_system_table_mods;
