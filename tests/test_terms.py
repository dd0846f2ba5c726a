"""Every term of the field is found where a newcomer looks for it: a file, a class or a glossary entry of that name."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs/glossary.md"
_PLACE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.py)(?::([\w.]+))?`")
# A term and its place: a file, `file:Name`, or the glossary.
TERMS = {
    "aggregate": "domain/kernel.py:Aggregate",
    "domain event": "domain/kernel.py:Aggregate.Event",
    "event log": "application/event_log.py:EventLog",
    "event store": "infrastructure/event_log/event_store.py:EventStore",
    "event codec": "infrastructure/event_log/event_codec.py:EventCodec",
    "upcaster": "glossary",
    "command": "application/event_log.py:Command",
    "command handler": "glossary",
    "unit of work": "glossary",
    "repository": "infrastructure/event_log/aggregate_repository.py:AggregateRepository",
    "DTO": "glossary",
    "query": "projections/query/snapshot.py:Snapshots",
    "paging": "projections/query/paging.py:Page",
    "read model": "projections/read_models/__init__.py",
    "projection": "projections/engine/projection.py:Projection",
    "projector": "projections/engine/projector.py:Projector",
    "checkpoint": "projections/engine/apply.py:Checkpoint",
    "snapshot": "projections/query/snapshot.py:Snapshot",
    "generation": "projections/rebuild/generations.py",
    "rebuild": "projections/rebuild/rebuild.py:Rebuild",
    "leader election": "projections/engine/leader_election.py:Leadership",
    "cache invalidation": "projections/availability/invalidation.py:Invalidation",
    "process cache": "projections/availability/process_cache.py:ProcessCache",
    "row ownership": "projections/query/ownership.py:Ownership",
    "row-level security": "projections/query/ownership.py:Ownership.policy",
    "idempotency key": "application/event_log.py:IdempotencyKey",
    "idempotent reply": "glossary",
    "optimistic concurrency": "application/event_log.py:ConcurrencyConflict",
    "stale read": "infrastructure/event_log/journal.py:StaleReads",
    "group commit": "infrastructure/event_log/group_commit.py:GroupCommitWriter",
    "ledger": "infrastructure/ledger/verification.py:VerificationResult",
    "hash chain": "glossary",
    "signed checkpoint": "infrastructure/ledger/checkpoint.py:SignedCheckpoint",
    "personal data": "domain/personal_data.py:PersonalData",
    "field encryption": "infrastructure/privacy/field_encryption.py:encrypt",
    "keyring": "infrastructure/privacy/keyring.py:Keyring",
    "crypto-shredding": "glossary",
    "erasure": "application/people/erasure.py:ErasePerson",
    "role": "application/access.py:Role",
    "permission": "application/access.py:ACCESS",
    "access token": "application/identity/access_token.py:AccessTokens",
    "refresh token": "glossary",
    "session": "application/identity/session.py:SignIn",
    "token revocation": "infrastructure/identity/token_revocation.py:TokenRevocation",
    "API key": "application/identity/api_key.py:ApiKey",
    "rate limit": "application/rate_limit.py:RateLimit",
    "views log": "application/view_log.py:ViewLog",
    "security log": "infrastructure/identity/security_log.py:SecurityLog",
    "job": "application/jobs/job.py:Job",
    "job queue": "infrastructure/jobs/job_queue.py:JobQueue",
    "lease": "application/jobs/job.py:JobLease",
    "back-off": "glossary",
    "dead letter": "glossary",
    "transactional outbox": "glossary",
    "notification": "application/notifications/notice.py:Notice",
    "webhook": "domain/webhooks/webhook.py:Webhook",
    "webhook delivery": "application/webhooks/delivery.py:DeliveryResult",
    "appointment": "domain/booking/appointment.py:Appointment",
    "hold": "domain/booking/hold.py:Hold",
    "waitlist": "domain/booking/waitlist.py",
    "buffer": "glossary",
    "slot grid": "domain/scheduling/slot_grid.py:SlotGrid",
    "opening hours": "domain/scheduling/opening_hours.py:OpeningHours",
    "booking window": "domain/scheduling/booking_window.py:BookingWindow",
    "interval": "domain/scheduling/interval.py:Interval",
    "time zone": "domain/scheduling/wallclock.py:UnknownZone",
    "DST": "glossary",
    "customer": "domain/people/customer.py:Customer",
    "provider": "domain/catalog/provider.py:Provider",
    "service": "domain/catalog/service.py:Service",
    "organization": "domain/catalog/organization.py:Organization",
    "tagging of services": "glossary",
    "membership": "application/catalog/membership.py",
    "role model of data access": "glossary",
    "onion architecture": "glossary",
    "CQRS": "glossary",
    "event sourcing": "glossary",
    "ports and adapters": "glossary",
    "composition root": "interfaces/http/main.py",
    "pending jobs": "glossary",
    "Redis as cache": "glossary",
    "admin panel": "glossary",
    "logger": "infrastructure/observability/logger.py",
    "settings": "infrastructure/settings.py:Settings",
}


def defines(file: str, name: str) -> bool:
    """Whether a module exists and defines a name: a class, function or variable; `A.b`: b within A."""
    if not (ROOT / file).is_file():
        return False
    text = (ROOT / file).read_text()
    return all(
        re.search(rf"^\s*(?:class|def|async def) {part}\b|^{part}\b.*=", text, re.MULTILINE)
        for part in name.split(".")
        if part
    )


def glossary_rows() -> list[list[str]]:
    """The cells of each row: word, the field's term, meaning, where."""
    lines = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("| ") and line.count(" | ") == 3]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in rows if row[0] != "word"]


def explains(term: str) -> bool:
    """Whether a glossary row names the term, as our word or as the field's."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", re.IGNORECASE)
    return any(pattern.search(f"{word}; {field}") for word, field, _, _ in glossary_rows())


@pytest.mark.parametrize(("term", "place"), TERMS.items(), ids=TERMS)
def test_a_term_of_the_field_is_where_it_belongs(term: str, place: str) -> None:
    file, _, name = place.partition(":")
    assert explains(term) if place == "glossary" else defines(file, name)


@pytest.mark.parametrize(("file", "name"), sorted(set(_PLACE.findall(GLOSSARY.read_text()))))
def test_every_place_that_the_glossary_names_exists(file: str, name: str) -> None:
    assert defines(file, name)


def test_every_glossary_row_names_a_place() -> None:
    assert [row[0] for row in glossary_rows() if not _PLACE.search(row[3])] == []


def test_a_word_has_one_row() -> None:
    words = [row[0] for row in glossary_rows()]
    assert len(words) > 60
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize(
    ("file", "name"),
    [("domain/nowhere.py", ""), ("domain/kernel.py", "Nothing"), ("domain/kernel.py", "Aggregate.Nothing")],
)
def test_a_missing_place_is_noticed(file: str, name: str) -> None:
    assert not defines(file, name)


@pytest.mark.parametrize("term", ["quantum ledger", "aggregat"])
def test_a_missing_term_is_noticed(term: str) -> None:
    assert not explains(term)
