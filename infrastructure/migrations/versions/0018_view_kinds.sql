-- Once a viewer, person and hour, cards and looks as the customer each: an admin who has opened a card and then looks as its
-- customer has done two things. `facts` may have `organizations` too: those for which the viewer acts, and which the person is a
-- customer of.
-- No release has written to the table yet, so that no lock lasts.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX view_once_each
    ON audit.view (person, viewer, (operation = 'see_as'), date_trunc('hour', at AT TIME ZONE 'UTC'));
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX audit.view_once;

-- As before, and the row of a card keeps out none of a look as its customer, nor the other way round.
CREATE OR REPLACE FUNCTION audit.record_views(viewers uuid[], persons uuid[], operations text[], facts jsonb[]) RETURNS timestamptz
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
        SELECT DISTINCT ON (e.viewer, e.person, e.operation = 'see_as') e.viewer, e.person, e.operation, e.facts, e.n
        FROM unnest(viewers, persons, operations, facts) WITH ORDINALITY e (viewer, person, operation, facts, n)
        ORDER BY e.viewer, e.person, e.operation = 'see_as', e.n
    ), fresh AS (
        SELECT w.viewer, w.person, w.operation, w.facts, base + row_number() OVER (ORDER BY w.n) AS id FROM wanted w
        WHERE NOT EXISTS (
            SELECT FROM audit.view o WHERE o.person = w.person AND o.viewer = w.viewer
            AND (o.operation = 'see_as') = (w.operation = 'see_as')
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
