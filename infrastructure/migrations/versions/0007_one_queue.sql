-- squawk-ignore-file
-- All processes are stopped before this migration (CHANGELOG.md).
-- One queue. A job is derived from an event (its row of the read model `job` says what it is about), or `enqueued` in
-- the transaction of what wants it: then `payload`, sealed with the system's key at the job's own key, says so until the
-- job is done.
-- `due_at`: from when it may be tried; not moved by a claim, so that lateness counts from when it was first due.
-- `lease`, `leased_until`: by whom it is being done, and until when without another sign of life. No index has them, so
-- that signs of life touch no index.
ALTER TABLE work.job
    ADD COLUMN leased_until timestamptz,
    ADD COLUMN enqueued boolean NOT NULL DEFAULT false,
    ADD COLUMN payload bytea,
    ADD COLUMN correlation text NOT NULL DEFAULT '',
    SET (fillfactor = 70);
-- Claims and leases of release 0.1.0 end here: they had moved `due_at` ahead.
UPDATE work.job SET lease = NULL, due_at = least(due_at, clock_timestamp()) WHERE lease IS NOT NULL;
DROP INDEX work.job_due;
DROP INDEX work.job_leased;
CREATE INDEX job_due ON work.job (kind, due_at) WHERE done_at IS NULL AND dead_at IS NULL;

-- When a job of a kind last came to the end of a try: a kind that is due and makes no progress is reported.
CREATE TABLE work.progress (
    kind text PRIMARY KEY,
    at timestamptz NOT NULL
);

INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, attempts, dead_at, error, enqueued, payload)
SELECT id, CASE kind WHEN 'reset' THEN 'reset_password' WHEN 'notice' THEN 'account_notice' ELSE kind END, id, '',
    due_at, due_at, attempts, dead_at, error, true, said
FROM auth.errand;
DROP TABLE auth.errand;
-- Release 0.1.0 asked for the notices about accounts itself: events up to here are not told of a second time.
ALTER TABLE work.enrolled ADD COLUMN errands_upto bigint NOT NULL DEFAULT 0;
UPDATE work.enrolled SET errands_upto = (SELECT coalesce(max(notification_id), 0) FROM log.stored_events);

-- The append as before, and with the events of a command the jobs that it enqueues (job_*: an element a job).
DROP FUNCTION log.append;
CREATE FUNCTION log.append(
    keys bytea[], fingerprints bytea[], answer_streams uuid[], answer_versions bigint[],
    reads_of int[], reads_streams uuid[], reads_versions bigint[],
    event_of int[], event_streams uuid[], event_versions bigint[], event_topics text[], event_states bytea[],
    event_ids uuid[], event_metadata text[], event_digests bytea[],
    forget_of int[] DEFAULT '{}', forget_subjects uuid[] DEFAULT '{}',
    job_of int[] DEFAULT '{}', job_keys uuid[] DEFAULT '{}', job_kinds text[] DEFAULT '{}',
    job_subjects uuid[] DEFAULT '{}', job_slots text[] DEFAULT '{}', job_payloads bytea[] DEFAULT '{}',
    job_correlations text[] DEFAULT '{}'
) RETURNS TABLE (
    kind text, command int, stream uuid, version bigint, "position" bigint,
    topic text, state bytea, at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    verdicts text;
    flags bytea;  -- the same: a byte of it is found at once, a letter of a text only by counting
    recorded CONSTANT int := ascii('r');
    before log.seal%ROWTYPE;
    now_at timestamptz;
    base bigint;
    sealed bytea;
    added bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'log.append needs read committed: a snapshot from before the gate hides what has moved';
    END IF;
    LOCK TABLE log.gate IN EXCLUSIVE MODE;
    SELECT * INTO before FROM log.seal s ORDER BY s.upto DESC LIMIT 1;
    base := coalesce(before.upto, 0);
    now_at := greatest(clock_timestamp(), before.at);

    WITH wrote AS (
        SELECT w.stream, min(w.n) AS n FROM unnest(event_of, event_streams) w (n, stream) GROUP BY w.stream
    ), moved AS (
        SELECT DISTINCT r.n
        FROM unnest(reads_of, reads_streams, reads_versions) r (n, stream, version)
        LEFT JOIN wrote ON wrote.stream = r.stream
        WHERE wrote.n < r.n OR r.version <> coalesce((
            SELECT max(e.originator_version) FROM log.stored_events e
            WHERE e.originator_id = r.stream AND e.originator_version >= r.version), 0)
    ), asked AS (
        SELECT c.n, c.key, (SELECT k.position FROM log.command_key k WHERE k.key = c.key) AS kept,
               row_number() OVER (PARTITION BY c.key ORDER BY c.n) > 1 AS twin
        FROM unnest(keys) WITH ORDINALITY c (key, n)
    )
    SELECT string_agg(
        CASE WHEN a.kept IS NOT NULL THEN 'k' WHEN a.twin OR m.n IS NOT NULL THEN 'm' ELSE 'r' END, '' ORDER BY a.n)
    INTO verdicts FROM asked a LEFT JOIN moved m ON m.n = a.n;
    flags := convert_to(verdicts, 'UTF8');

    WITH inserted AS (
        INSERT INTO log.stored_events (
            originator_id, originator_version, topic, state, notification_id, event_id, recorded_at, metadata, digest)
        SELECT e.stream, e.version, e.topic, e.state, base + row_number() OVER (ORDER BY e.n), e.id, now_at,
               e.metadata::json, e.digest
        FROM unnest(event_of, event_streams, event_versions, event_topics, event_states, event_ids, event_metadata,
                    event_digests)
             WITH ORDINALITY e (of, stream, version, topic, state, id, metadata, digest, n)
        WHERE get_byte(flags, e.of - 1) = recorded
        RETURNING notification_id, digest
    ), own AS (
        SELECT u.n, count(*) AS events FROM unnest(event_of) u (n) GROUP BY u.n
    ), kept AS (
        INSERT INTO log.command_key (key, fingerprint, stream, version, position, at)
        SELECT c.key, c.fingerprint, c.stream, c.version,
               base + coalesce(sum(own.events) OVER (ORDER BY c.n), 0)::bigint, now_at
        FROM unnest(keys, fingerprints, answer_streams, answer_versions)
             WITH ORDINALITY c (key, fingerprint, stream, version, n)
        LEFT JOIN own ON own.n = c.n
        WHERE get_byte(flags, c.n::int - 1) = recorded
    )
    SELECT count(*), sha256(
        coalesce(before.hash, ''::bytea) || int8send(base + 1) || int8send(base + count(*))
        || int8send((extract(epoch FROM now_at) * 1000000)::bigint)
        || string_agg(i.digest, ''::bytea ORDER BY i.notification_id))
    INTO added, sealed FROM inserted i;
    IF added > 0 THEN
        INSERT INTO log.seal (upto, since, at, hash) VALUES (base + added, base + 1, now_at, sealed);
        PERFORM pg_notify('log', (base + added)::text);
    END IF;

    IF cardinality(forget_of) > 0 THEN
        DELETE FROM keyring.person p USING unnest(forget_of, forget_subjects) f (of, subject)
        WHERE p.subject = f.subject AND get_byte(flags, f.of - 1) = recorded;
    END IF;

    IF cardinality(job_of) > 0 THEN
        INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, enqueued, payload, correlation)
        SELECT j.key, j.kind, j.subject, j.slot, clock_timestamp(), clock_timestamp(), true, j.payload, j.correlation
        FROM unnest(job_of, job_keys, job_kinds, job_subjects, job_slots, job_payloads, job_correlations)
             j (of, key, kind, subject, slot, payload, correlation)
        WHERE get_byte(flags, j.of - 1) = recorded;
    END IF;

    RETURN QUERY SELECT 'batch'::text, NULL::int, NULL::uuid, NULL::bigint, base, verdicts, coalesce(sealed, before.hash),
                        now_at;
    IF position('k' IN verdicts) > 0 THEN
        RETURN QUERY SELECT 'kept'::text, c.n::int, k.stream, k.version, k.position, NULL::text, k.fingerprint, k.at
            FROM unnest(keys) WITH ORDINALITY c (key, n) JOIN log.command_key k ON k.key = c.key
            WHERE substr(verdicts, c.n::int, 1) = 'k';
    END IF;
    IF position('m' IN verdicts) > 0 THEN
        RETURN QUERY SELECT 'missed'::text, r.n, e.originator_id, e.originator_version, e.notification_id, e.topic,
                            e.state, e.recorded_at
            FROM unnest(reads_of, reads_streams, reads_versions) r (n, stream, version)
            JOIN log.stored_events e ON e.originator_id = r.stream AND e.originator_version > r.version
            WHERE substr(verdicts, r.n, 1) = 'm'
            ORDER BY r.n, e.originator_id, e.originator_version;
    END IF;
END $$;

REVOKE ALL ON FUNCTION log.append FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT EXECUTE ON FUNCTION log.append TO daybook_app;
        GRANT SELECT, INSERT, UPDATE ON work.progress TO daybook_app;
    END IF;
END $$;
