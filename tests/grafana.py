"""What Grafana makes of a question to PostgreSQL: its macros and variables, with all choices chosen."""

MACROS = {
    "$__timeFrom()": "to_char(now() - interval '90 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
    "$__timeTo()": 'to_char(now(), \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')',
    "${organization:pipe}": ".*",
    "${service:pipe}": ".*",
}


def as_shown(question: str) -> str:
    """The SQL of the last 90 days."""
    for name, value in MACROS.items():
        question = question.replace(name, value)
    return question
