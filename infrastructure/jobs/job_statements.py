"""The statements of the job queue. All times are those of the database's clock."""

from infrastructure.jobs.outcomes import ENDED, NOTE_JOBS

PAUSE = "least(interval '2 hours', interval '5 seconds' * power(2, attempts - 1)) * (0.75 + random() / 2)"
ENDS = "lease = NULL, leased_until = NULL"

# `now()`, not `clock_timestamp()`: it is the same throughout a statement, so that the index bounds the search.
DUE = """w.done_at IS NULL AND w.dead_at IS NULL AND w.due_at <= now()
            AND (w.leased_until IS NULL OR w.leased_until <= now())"""
# Kinds take turns: the first of each, then the second of each. A job that the read model has dropped is deleted; only
# the live generation of the read model can tell (not by EXISTS, for which PostgreSQL reads the whole of a table that is
# small, or was small when a kept plan was made). A job whose worker died at each attempt is dead.
CLAIM = f"""
    WITH due AS (
        SELECT each.* FROM unnest(%(kinds)s::text[]) AS of (kind)
        JOIN read.live ON generation = {{generation}}, LATERAL (
            SELECT w.key, w.kind, w.due_at, w.enqueued, w.attempts, w.lease IS NOT NULL AS lapsed FROM work.job w
            WHERE w.kind = of.kind AND {DUE}
            ORDER BY w.due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) each),
    turns AS (
        SELECT numbered.*, numbered.attempts >= %(attempts)s AS worn,
            numbered.enqueued
                OR (SELECT true FROM {{schema}}.job j WHERE j.key = numbered.key LIMIT 1) IS TRUE AS wanted
        FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY due_at) AS turn FROM due) numbered
        ORDER BY turn, due_at LIMIT %(most)s),
    gone AS (
        DELETE FROM work.job w USING turns t WHERE w.key = t.key AND NOT t.wanted RETURNING {ENDED}),
    dead AS (
        UPDATE work.job w SET dead_at = clock_timestamp(), error = 'its worker died each time', {ENDS}
        FROM turns t WHERE w.key = t.key AND t.wanted AND t.worn RETURNING {ENDED}),
    ended AS (SELECT *, 'dropped' AS outcome FROM gone UNION ALL SELECT *, 'dead' FROM dead),
    noted AS ({NOTE_JOBS}),
    begun AS (
        UPDATE work.job w SET lease = %(lease)s, leased_until = clock_timestamp() + %(running)s,
            attempts = w.attempts + 1
        FROM turns t WHERE w.key = t.key AND t.wanted AND NOT t.worn RETURNING w.*)
    SELECT t.key, t.kind, t.lapsed, t.wanted AND t.worn, b.subject, b.slot, coalesce(j.due_at, b.planned_at), j.said,
        b.payload, coalesce(j.correlation, b.correlation), b.attempts
    FROM turns t LEFT JOIN begun b ON b.key = t.key LEFT JOIN {{schema}}.job j ON j.key = t.key AND NOT t.enqueued
    ORDER BY t.due_at"""  # noqa: S608  no input: all parts are constants of this module
COUNT = f"""
    SELECT of.kind, (SELECT count(*) FROM (SELECT FROM work.job w WHERE w.kind = of.kind AND {DUE} LIMIT %s) AS first)
    FROM unnest(%s::text[]) AS of (kind)"""  # noqa: S608
# In one order, so that statements about several jobs never wait for each other in a circle.
LOCKED = """
    locked AS MATERIALIZED (
        SELECT held.* FROM work.job w JOIN held ON w.key = held.key AND w.lease = held.lease
        ORDER BY w.key FOR UPDATE OF w)"""
RENEW = f"""
    WITH held AS (SELECT * FROM unnest(%s::uuid[], %s::uuid[]) AS held (key, lease)), {LOCKED}
    UPDATE work.job w SET leased_until = clock_timestamp() + %s FROM locked WHERE w.key = locked.key
    RETURNING w.key"""  # noqa: S608
PROGRESS = """
    INSERT INTO work.progress (kind, at) SELECT kind, clock_timestamp() FROM unnest(%s::text[]) AS of (kind)
    ORDER BY kind ON CONFLICT (kind) DO UPDATE SET at = excluded.at"""
DONE = f"""
    WITH held AS (SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS held (key, lease, came_to)), {LOCKED},
    ended AS (
        UPDATE work.job w SET done_at = clock_timestamp(), outcome = came_to, error = NULL, payload = NULL, {ENDS}
        FROM locked WHERE w.key = locked.key RETURNING {ENDED}, w.outcome, planned_at, locked.lease AS by),
    noted AS ({NOTE_JOBS})
    SELECT key, by, extract(epoch FROM clock_timestamp() - planned_at)::float8 FROM ended"""  # noqa: S608
LATER = f"""
    UPDATE work.job SET due_at = %(until)s, planned_at = %(until)s, attempts = attempts - 1, {ENDS}
    WHERE key = %(key)s AND lease = %(lease)s"""  # noqa: S608
IDLE = f"""
    UPDATE work.job SET due_at = %s, attempts = 0, error = NULL, {ENDS} WHERE key = %s AND lease = %s"""  # noqa: S608
FAILED = f"""
    WITH failed AS (
        UPDATE work.job w SET error = %(error)s, {ENDS},
            due_at = clock_timestamp() + greatest({PAUSE}, %(pause)s),
            dead_at = CASE WHEN attempts >= %(most)s THEN clock_timestamp() END
        WHERE key = %(key)s AND lease = %(lease)s RETURNING {ENDED}, dead_at IS NOT NULL AS dead),
    ended AS (SELECT *, 'dead' AS outcome FROM failed WHERE dead),
    noted AS ({NOTE_JOBS})
    SELECT dead FROM failed"""  # noqa: S608
FORGET = """
    DELETE FROM work.job WHERE done_at < clock_timestamp() - %s
    OR enqueued AND dead_at < clock_timestamp() - %s"""
RETRY = f"""
    UPDATE work.job SET dead_at = NULL, attempts = 0, due_at = least(due_at, clock_timestamp()), {ENDS}
    WHERE key = %s AND done_at IS NULL AND (leased_until IS NULL OR leased_until <= clock_timestamp())
        AND (dead_at IS NOT NULL OR attempts > 0 OR due_at <= clock_timestamp())
    RETURNING 1"""  # noqa: S608
