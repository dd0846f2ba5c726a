-- squawk-ignore-file
-- All processes are stopped before this migration (CHANGELOG.md).
-- What an event that was not appended has moved beyond the end of the log: it comes back, or the log's next events would be
-- taken for done. (Projections stop, and are rebuilt.)
UPDATE work.enrolled SET position = least(position, upto), silent_upto = least(silent_upto, upto),
    errands_upto = least(errands_upto, upto)
    FROM (SELECT coalesce(max(upto), 0) AS upto FROM log.seal) head WHERE greatest(position, silent_upto, errands_upto) > upto;
UPDATE work.webhook_seen SET position = upto
    FROM (SELECT coalesce(max(upto), 0) AS upto FROM log.seal) head WHERE position > upto;
UPDATE work.webhook SET position = least(position, upto), wanted = least(wanted, upto)
    FROM (SELECT coalesce(max(upto), 0) AS upto FROM log.seal) head WHERE greatest(position, wanted) > upto;

-- Seals carry a version, and each is verified by the rule of its own. Version 1 covers positions, time and events. Version 2
-- covers the keys of commands too: those since the seal before, up to number `keys_upto`, by `keys`, a digest over their
-- rows. Keys are pruned by whole seals, so `keys` stays when they are gone.
ALTER TABLE log.seal
    ADD COLUMN version smallint NOT NULL DEFAULT 1,
    ADD COLUMN keys_upto bigint,
    ADD COLUMN keys bytea;
CREATE INDEX seal_at ON log.seal (at, upto);
-- Keys are numbered without gaps. One that an earlier release recorded has no number; it is pruned after its two days.
ALTER TABLE log.command_key ADD COLUMN number bigint;
CREATE UNIQUE INDEX command_key_number ON log.command_key (number);
DROP INDEX log.command_key_at;

-- Forget the keys of commands older than the given age, but never younger than a day: those under whole seals, all of them
-- or none. Answers how many.
CREATE OR REPLACE FUNCTION log.prune_keys(age interval) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH past AS (
        SELECT now() - greatest(age, interval '24 hours') AS at
    ), old AS (
        SELECT s.keys_upto FROM past, log.seal s WHERE s.at < past.at ORDER BY s.at DESC, s.upto DESC LIMIT 1
    ), pruned AS (
        DELETE FROM log.command_key k USING past
        WHERE k.number <= (SELECT keys_upto FROM old) OR k.number IS NULL AND k.at < past.at RETURNING 1
    ) SELECT count(*) FROM pruned
$$;

-- The append as before; and it seals the keys of commands, and answers both times. Processes of the release before call it too, during an upgrade, and
-- take `at` of the batch for the present: so that is the database's clock, and the log's own time is beside it.
--   keys .. answer_versions: an element a command; reads_*: (command, stream, version) it builds on, 0 for none yet;
--   event_*: an element an event, in order; forget_*: (command, person); job_*: an element a job that a command enqueues.
--   known_*: seals that the log must hold, for on a log without them the commands would have been decided otherwise.
--   Commands are numbered from 1.
-- Answers: one row 'batch' (topic: a letter a command; position: before the batch; state: hash of its seal; at: the
--   database's clock; version: the log's time, in microseconds since 1970), a row 'kept' for each command done before, a
--   row 'missed' for each event that a moved command had not seen.
--   r recorded, k kept from before, m moved.
DROP FUNCTION log.append;
CREATE FUNCTION log.append(
    keys bytea[], fingerprints bytea[], answer_streams uuid[], answer_versions bigint[],
    reads_of int[], reads_streams uuid[], reads_versions bigint[],
    event_of int[], event_streams uuid[], event_versions bigint[], event_topics text[], event_states bytea[],
    event_ids uuid[], event_metadata text[], event_digests bytea[],
    forget_of int[] DEFAULT '{}', forget_subjects uuid[] DEFAULT '{}',
    job_of int[] DEFAULT '{}', job_keys uuid[] DEFAULT '{}', job_kinds text[] DEFAULT '{}',
    job_subjects uuid[] DEFAULT '{}', job_slots text[] DEFAULT '{}', job_payloads bytea[] DEFAULT '{}',
    job_correlations text[] DEFAULT '{}',
    known_upto bigint[] DEFAULT '{}', known_seals bytea[] DEFAULT '{}'
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
    clock timestamptz;
    now_at timestamptz;  -- the log's time: never goes back
    base bigint;
    sealed bytea;
    added bigint;
    last_key bigint;
    key_digest bytea;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'log.append needs read committed: a snapshot from before the gate hides what has moved';
    END IF;
    LOCK TABLE log.gate IN EXCLUSIVE MODE;
    IF EXISTS (
        SELECT FROM unnest(known_upto, known_seals) k (upto, hash)
        WHERE (SELECT s.hash FROM log.seal s WHERE s.upto = k.upto) IS DISTINCT FROM k.hash
    ) THEN
        RAISE EXCEPTION 'this log is not the one that the commands were decided on' USING ERRCODE = 'DB001';
    END IF;
    SELECT * INTO before FROM log.seal s ORDER BY s.upto DESC LIMIT 1;
    base := coalesce(before.upto, 0);
    clock := clock_timestamp();
    now_at := greatest(clock, before.at);
    last_key := greatest((SELECT max(number) FROM log.command_key), before.keys_upto, 0);

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
        INSERT INTO log.command_key (key, fingerprint, stream, version, position, at, number)
        SELECT c.key, c.fingerprint, c.stream, c.version,
               base + coalesce(sum(own.events) OVER (ORDER BY c.n), 0)::bigint, now_at,
               last_key + row_number() OVER (ORDER BY c.n)
        FROM unnest(keys, fingerprints, answer_streams, answer_versions)
             WITH ORDINALITY c (key, fingerprint, stream, version, n)
        LEFT JOIN own ON own.n = c.n
        WHERE get_byte(flags, c.n::int - 1) = recorded
        RETURNING number, key, fingerprint, stream, version, position, at
    ), unsealed AS (  -- and those of batches without events, since the last seal
        SELECT * FROM kept UNION ALL
        SELECT number, key, fingerprint, stream, version, position, at FROM log.command_key
        WHERE number > coalesce(before.keys_upto, 0)
    ), named AS (
        SELECT max(u.number) AS upto, sha256(string_agg(
            record_send(ROW (u.key, u.fingerprint, u.stream, u.version, u.position, u.at)), ''::bytea ORDER BY u.number)
        ) AS digest
        FROM unsealed u
    ), made AS (
        SELECT count(*) AS events, string_agg(i.digest, ''::bytea ORDER BY i.notification_id) AS digests FROM inserted i
    )
    SELECT made.events, named.upto, named.digest, sha256(
        'daybook seal 2'::bytea || coalesce(before.hash, ''::bytea) || int8send(base + 1) || int8send(base + made.events)
        || int8send((extract(epoch FROM now_at) * 1000000)::bigint) || int8send(named.upto) || named.digest || made.digests)
    INTO added, last_key, key_digest, sealed FROM made, named;
    IF added > 0 THEN
        INSERT INTO log.seal (upto, since, at, hash, version, keys_upto, keys)
        VALUES (base + added, base + 1, now_at, sealed, 2, last_key, key_digest);
        PERFORM pg_notify('log', (base + added)::text);
    END IF;

    IF cardinality(forget_of) > 0 THEN
        DELETE FROM keyring.person p USING unnest(forget_of, forget_subjects) f (of, subject)
        WHERE p.subject = f.subject AND get_byte(flags, f.of - 1) = recorded;
    END IF;

    IF cardinality(job_of) > 0 THEN
        INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, enqueued, payload, correlation)
        SELECT j.key, j.kind, j.subject, j.slot, clock, clock, true, j.payload, j.correlation
        FROM unnest(job_of, job_keys, job_kinds, job_subjects, job_slots, job_payloads, job_correlations)
             j (of, key, kind, subject, slot, payload, correlation)
        WHERE get_byte(flags, j.of - 1) = recorded;
    END IF;

    RETURN QUERY SELECT 'batch'::text, NULL::int, NULL::uuid, (extract(epoch FROM now_at) * 1000000)::bigint, base,
                        verdicts, coalesce(sealed, before.hash), clock;
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

-- The security log: rows are written by one function, each call under one seal of a chain of its own. Positions are ids.
CREATE TABLE auth.security_gate ();
CREATE TABLE auth.security_seal (
    upto bigint PRIMARY KEY,
    since bigint NOT NULL,
    at timestamptz NOT NULL,
    hash bytea NOT NULL
);
ALTER TABLE auth.security_log ADD COLUMN digest bytea;

CREATE FUNCTION auth.security_digest(
    id bigint, at timestamptz, kind text, account_id uuid, network bytea, facts jsonb
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(int8send(id) || int8send((extract(epoch FROM at) * 1000000)::bigint)
        || int8send(length(k)) || k || int8send(coalesce(length(a), -1)) || coalesce(a, ''::bytea)
        || int8send(coalesce(length(network), -1)) || coalesce(network, ''::bytea) || int8send(length(f)) || f)
    FROM (SELECT convert_to(kind, 'UTF8') AS k, uuid_send(account_id) AS a, convert_to(facts::text, 'UTF8') AS f) parts
$$;

-- Record rows, an element of each array a row, under one seal.
CREATE FUNCTION auth.record_security(kinds text[], account_ids uuid[], networks bytea[], facts jsonb[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    before auth.security_seal%ROWTYPE;
    now_at timestamptz;
    base bigint;
    sealed bytea;
    added bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'auth.record_security needs read committed: a snapshot from before the gate hides the last seal';
    END IF;
    LOCK TABLE auth.security_gate IN EXCLUSIVE MODE;
    SELECT * INTO before FROM auth.security_seal s ORDER BY s.upto DESC LIMIT 1;
    base := coalesce(before.upto, 0);
    now_at := greatest(clock_timestamp(), before.at);
    WITH inserted AS (
        INSERT INTO auth.security_log (id, at, kind, account_id, network, facts, digest) OVERRIDING SYSTEM VALUE
        SELECT base + e.n, now_at, e.kind, e.account_id, e.network, e.facts,
               auth.security_digest(base + e.n, now_at, e.kind, e.account_id, e.network, e.facts)
        FROM unnest(kinds, account_ids, networks, facts) WITH ORDINALITY e (kind, account_id, network, facts, n)
        RETURNING id, digest
    )
    SELECT count(*), sha256(
        'daybook security 1'::bytea || coalesce(before.hash, ''::bytea) || int8send(base + 1) || int8send(base + count(*))
        || int8send((extract(epoch FROM now_at) * 1000000)::bigint) || string_agg(i.digest, ''::bytea ORDER BY i.id))
    INTO added, sealed FROM inserted i;
    IF added > 0 THEN
        INSERT INTO auth.security_seal (upto, since, at, hash) VALUES (base + added, base + 1, now_at, sealed);
    END IF;
END $$;

-- The rows of the releases before are under the first seal, with the gaps that their ids may have.
UPDATE auth.security_log SET digest = auth.security_digest(id, at, kind, account_id, network, facts);
ALTER TABLE auth.security_log ALTER digest SET NOT NULL;
INSERT INTO auth.security_seal (upto, since, at, hash)
SELECT max(id), 1, max(at), sha256('daybook security 1'::bytea || int8send(1) || int8send(max(id))
    || int8send((extract(epoch FROM max(at)) * 1000000)::bigint) || string_agg(digest, ''::bytea ORDER BY id))
FROM auth.security_log HAVING count(*) > 0;

-- A process of the release before inserts rows by itself, during an upgrade: this records them as the function does.
CREATE FUNCTION auth.record_plain_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM auth.record_security(ARRAY[NEW.kind], ARRAY[NEW.account_id], ARRAY[NEW.network], ARRAY[NEW.facts]);
    RETURN NULL;
END $$;
CREATE TRIGGER record_plain_row BEFORE INSERT ON auth.security_log
    FOR EACH ROW WHEN (NEW.digest IS NULL) EXECUTE FUNCTION auth.record_plain_row();

REVOKE ALL ON FUNCTION
    log.append, auth.security_digest, auth.record_security, auth.record_plain_row FROM PUBLIC;
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT EXECUTE ON FUNCTION log.append, auth.record_security TO daybook_app;
        GRANT SELECT ON auth.security_seal, auth.security_gate TO daybook_app;
        REVOKE INSERT ON auth.security_log FROM daybook_app;
        GRANT INSERT (kind, account_id, network, facts) ON auth.security_log TO daybook_app;
    END IF;
END $$;
