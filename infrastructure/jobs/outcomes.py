"""Outcomes of jobs and deliveries (`work.outcome`): ids and words that outlive the rows of the work itself."""

from datetime import timedelta

KEPT_FOR = timedelta(days=400)

_OVER = """
    ON CONFLICT (key, position) DO UPDATE
    SET outcome = excluded.outcome, attempts = excluded.attempts, at = excluded.at"""
ENDED = "w.key, w.kind, w.subject, w.correlation, w.attempts"
"""What an UPDATE or DELETE of `work.job w` returns as `ended`, for NOTE_JOBS."""
NOTE_JOBS = f"""
    INSERT INTO work.outcome (key, position, kind, subject, correlation, outcome, attempts)
    SELECT key, 0, kind, subject, correlation, outcome, attempts FROM ended{_OVER}"""  # noqa: S608
"""Notes the jobs of `ended`, which has an `outcome` too, in the statement that ends them."""
NOTE_DELIVERY = f"""
    INSERT INTO work.outcome (key, position, kind, subject, correlation, outcome, attempts)
    SELECT webhook_id, position, 'delivery', webhook_id, coalesce((
        SELECT metadata->>'correlation' FROM log.stored_events WHERE notification_id = position), ''), outcome, attempts
    FROM (VALUES (%s::uuid, %s::bigint, %s::text, %s::int)) AS ended (webhook_id, position, outcome, attempts){_OVER}"""  # noqa: S608
FORGET = "DELETE FROM work.outcome WHERE at < clock_timestamp() - %s"
