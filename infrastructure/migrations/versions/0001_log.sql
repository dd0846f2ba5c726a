-- The only truth. Rows are never changed or deleted; positions are gapless and in commit order.
CREATE TABLE log.stored_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    metadata json NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version),
    CONSTRAINT stored_events_position UNIQUE (notification_id)
);

-- One row a batch: a hash chain over the digests, in order.
CREATE TABLE log.seal (
    upto bigint PRIMARY KEY,
    since bigint NOT NULL,
    at timestamptz NOT NULL,
    hash bytea NOT NULL
);

-- What was done under which key: the kept answer is (stream, version, position).
CREATE TABLE log.command_key (
    key bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    stream uuid NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX command_key_at ON log.command_key (at);

-- Always empty: appends queue on its lock, so that vacuum never waits for them on the events.
CREATE TABLE log.gate ();

-- Append a batch of commands: each whole or not at all, each answered.
--   keys .. answer_versions: an element a command; reads_*: (command, stream, version) it builds on, 0 for none yet;
--   event_*: an element an event, in order. Commands are numbered from 1.
-- Answers: one row 'batch' (verdicts: a letter a command, position before the batch, time, hash of its seal),
--   a row 'kept' for each command done before, a row 'missed' for each event that a moved command had not seen.
--   r recorded, k kept from before, m moved.
CREATE FUNCTION log.append(
    keys bytea[], fingerprints bytea[], answer_streams uuid[], answer_versions bigint[],
    reads_of int[], reads_streams uuid[], reads_versions bigint[],
    event_of int[], event_streams uuid[], event_versions bigint[], event_topics text[], event_states bytea[],
    event_ids uuid[], event_metadata text[], event_digests bytea[]
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

-- Forget the keys of commands older than the given age, but never younger than a day. Answers how many.
CREATE FUNCTION log.prune_keys(age interval) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH pruned AS (
        DELETE FROM log.command_key WHERE at < now() - greatest(age, interval '24 hours') RETURNING 1
    ) SELECT count(*) FROM pruned
$$;

REVOKE ALL ON FUNCTION log.append, log.prune_keys FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT USAGE ON SCHEMA log TO daybook_app;
        GRANT SELECT ON ALL TABLES IN SCHEMA log TO daybook_app;
        GRANT EXECUTE ON FUNCTION log.append, log.prune_keys TO daybook_app;
    END IF;
END $$;
