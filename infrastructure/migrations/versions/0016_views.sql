CREATE SCHEMA IF NOT EXISTS audit;

-- The views log: rows are written by one function, each call under one seal of a chain of its own. Positions are ids.
-- Ids of persons alone, so that erasure leaves the rows as they are. `facts`: role, via, request, and the id of the thing.
CREATE TABLE audit.view_gate ();
CREATE TABLE audit.view_seal (
    upto bigint PRIMARY KEY,
    since bigint NOT NULL,
    at timestamptz NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE audit.view (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    viewer uuid NOT NULL,
    person uuid NOT NULL,
    operation text NOT NULL,
    facts jsonb NOT NULL,
    digest bytea NOT NULL
);
-- Once a viewer, person and hour.
CREATE UNIQUE INDEX view_once ON audit.view (person, viewer, date_trunc('hour', at AT TIME ZONE 'UTC'));
CREATE INDEX view_person ON audit.view (person, id);
CREATE INDEX view_viewer ON audit.view (viewer, id);
CREATE INDEX view_at ON audit.view (at, id);

CREATE FUNCTION audit.view_digest(
    id bigint, at timestamptz, viewer uuid, person uuid, operation text, facts jsonb
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(int8send(id) || int8send((extract(epoch FROM at) * 1000000)::bigint)
        || int8send(16) || uuid_send(viewer) || int8send(16) || uuid_send(person)
        || int8send(length(o)) || o || int8send(length(f)) || f)
    FROM (SELECT convert_to(operation, 'UTF8') AS o, convert_to(facts::text, 'UTF8') AS f) parts
$$;

-- Record views, an element of each array a view, under one seal: those that have no row of this hour yet. Answers the
-- time of the call.
CREATE FUNCTION audit.record_views(viewers uuid[], persons uuid[], operations text[], facts jsonb[]) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    before audit.view_seal%ROWTYPE;
    now_at timestamptz;
    base bigint;
    sealed bytea;
    added bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'audit.record_views needs read committed: a snapshot from before the gate hides the last seal';
    END IF;
    LOCK TABLE audit.view_gate IN EXCLUSIVE MODE;
    SELECT * INTO before FROM audit.view_seal s ORDER BY s.upto DESC LIMIT 1;
    base := coalesce(before.upto, 0);
    now_at := greatest(clock_timestamp(), before.at);
    WITH wanted AS (
        SELECT DISTINCT ON (e.viewer, e.person) e.viewer, e.person, e.operation, e.facts, e.n
        FROM unnest(viewers, persons, operations, facts) WITH ORDINALITY e (viewer, person, operation, facts, n)
        ORDER BY e.viewer, e.person, e.n
    ), fresh AS (
        SELECT w.viewer, w.person, w.operation, w.facts, base + row_number() OVER (ORDER BY w.n) AS id FROM wanted w
        WHERE NOT EXISTS (
            SELECT FROM audit.view o WHERE o.person = w.person AND o.viewer = w.viewer
            AND date_trunc('hour', o.at AT TIME ZONE 'UTC') = date_trunc('hour', now_at AT TIME ZONE 'UTC'))
    ), inserted AS (
        INSERT INTO audit.view (id, at, viewer, person, operation, facts, digest)
        SELECT f.id, now_at, f.viewer, f.person, f.operation, f.facts,
               audit.view_digest(f.id, now_at, f.viewer, f.person, f.operation, f.facts)
        FROM fresh f
        RETURNING id, digest
    )
    SELECT count(*), sha256(
        'daybook views 1'::bytea || coalesce(before.hash, ''::bytea) || int8send(base + 1) || int8send(base + count(*))
        || int8send((extract(epoch FROM now_at) * 1000000)::bigint) || string_agg(i.digest, ''::bytea ORDER BY i.id))
    INTO added, sealed FROM inserted i;
    IF added > 0 THEN
        INSERT INTO audit.view_seal (upto, since, at, hash) VALUES (base + added, base + 1, now_at, sealed);
    END IF;
    RETURN now_at;
END $$;

REVOKE ALL ON FUNCTION audit.view_digest, audit.record_views FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT USAGE ON SCHEMA audit TO daybook_app;
        GRANT EXECUTE ON FUNCTION audit.record_views TO daybook_app;
        GRANT SELECT ON audit.view, audit.view_seal, audit.view_gate TO daybook_app;
    END IF;
END $$;
