"""Binds one-time secrets to the state they were issued under, in SQL: a change voids them as it commits."""

_VOIDING = "('Account.AddressChanged', 'Account.Disabled', 'Account.Forgotten', 'Address.Claimed')"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('credentials:' || %s::text, 0))"
"""Wait for others that change an account's credentials or use its one-time secrets, until the transaction ends."""
VERSION = "coalesce((SELECT c.version FROM auth.credential c WHERE c.account_id = %s), 0)"
"""The version of an account's credentials; 0 without any."""
RECORDED = """(
    SELECT array_agg((SELECT coalesce(max(e.originator_version), 0) FROM log.stored_events e
                      WHERE e.originator_id = s.stream) ORDER BY s.n)
    FROM unnest(%s::uuid[]) WITH ORDINALITY s (stream, n))"""
"""The present versions of streams, in their order."""


def changed(streams: str, versions: str) -> str:
    """Whether an address or a status has changed that one of the streams records, after its version. Both are SQL."""
    return f"""EXISTS (
        SELECT 1 FROM unnest({streams}, {versions}) b (stream, version)
        JOIN log.stored_events e ON e.originator_id = b.stream AND e.originator_version > b.version
        WHERE e.topic IN {_VOIDING})"""  # noqa: S608  both are written here


def void(row: str) -> str:
    """Whether the secret of a row with the columns account_id, credential, streams and versions is void."""
    current = f"(SELECT c.version FROM auth.credential c WHERE c.account_id = {row}.account_id)"  # noqa: S608
    return f"({row}.credential <> coalesce({current}, 0) OR {changed(f'{row}.streams', f'{row}.versions')})"
