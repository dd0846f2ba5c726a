"""The report of `daybook up` once everything is ready: one line of JSON, or text for people."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console

from domain.kernel import new_id
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.settings import Mode, Settings
from interfaces.cli.options import HOME, HOST
from interfaces.cli.startup.accounts import ADDRESSES, ROLES, account_of
from interfaces.demo.first_booking import FirstBooking

TOKEN_LIFETIME = timedelta(days=1)


@dataclass(frozen=True)
class UpReport:
    """The report for scripts: libpq URIs, addresses, a token for each role, and the demo accounts."""

    api: str
    database: str
    superuser_database: str
    redis: str
    metrics: str
    admin: str | None
    tokens: Mapping[str, str]
    mailbox: str | None
    demo_accounts: Mapping[str, str] | None
    demo_password: str | None
    flower: str | None
    flower_user: str | None
    flower_password: str | None
    booking: str | None


@dataclass(frozen=True)
class Started:
    """The parts that `daybook up` has started. `password`: of the demo accounts; `panel`: whether there is one.

    `lacks_year`: whether the year of demo history is still to be written.
    """

    settings: Settings
    data: Path
    api: str
    metrics_port: int
    flower_port: int | None
    town: FirstBooking | None
    password: str | None
    panel: bool
    lacks_year: bool = False


def report_of(started: Started) -> UpReport:
    """The report of the started parts."""
    settings, flower_port = started.settings, started.flower_port
    database, owner, redis = settings.database, settings.owner_database, settings.redis_url
    assert database is not None
    assert owner is not None
    assert redis is not None
    tokens = AccessTokens(settings.secret_key.get_secret_value(), algorithm=settings.algorithm)
    flower = settings.flower_basic_auth if flower_port else None
    user, _, flower_password = flower.get_secret_value().partition(":") if flower else ("", "", "")
    return UpReport(
        api=started.api,
        database=database.dsn,
        superuser_database=owner.dsn,
        redis=redis.get_secret_value(),
        metrics=f"http://{HOST}:{started.metrics_port}/metrics",
        admin=f"{started.api}/admin" if started.panel else None,
        tokens={str(role): tokens.issue(account_of(role, started.town), role, TOKEN_LIFETIME) for role in ROLES},
        mailbox=str(settings.dev_mailbox) if settings.dev_mailbox else None,
        demo_accounts=ADDRESSES if started.password else None,
        demo_password=started.password,
        flower=f"http://{HOST}:{flower_port}" if flower_port else None,
        flower_user=user or None,
        flower_password=flower_password or None,
        booking=_curl(started, started.town, started.town.start) if started.town and started.town.start else None,
    )


def print_json(report: UpReport) -> None:
    """The line that scripts wait for."""
    print(json.dumps(asdict(report)), flush=True)  # noqa: T201


def print_text(report: UpReport, started: Started) -> None:
    """Print the next steps, then the addresses: all of it fits a terminal of 80 by 24."""
    lines = Console(stderr=True, soft_wrap=True, highlight=False)
    command, data = _command(), _data(started)
    lines.rule("Daybook is up")
    if started.settings.mode is not Mode.PROD:
        lines.print(f"A token of a role:\n  {command} token --role admin{data}")
    lines.print(f"Passwords, databases, a first booking:\n  {command} info{data}")
    lines.print(f"Processes, lag and queues:\n  {command} status{data}\n")
    if report.demo_accounts is not None:
        lines.print(f"Sign in as  {report.demo_accounts['admin']}, customer@..., provider@...")
    if report.flower is not None:
        lines.print(f"Flower      {report.flower}")
    lines.print(f"Metrics     {report.metrics}")
    if report.admin is not None:
        lines.print(f"Admin panel {report.admin}")
    if report.mailbox is not None:
        lines.print(f"Mailbox     {report.api}/dev/mailbox")
    lines.print(f"API         {report.api}    docs: {report.api}/docs")
    if started.lacks_year:
        lines.print("A year of demo history is being written in the background, for reports.")
    lines.print(f"\nData in {started.data}. Ctrl-C stops all of it.")


def _command() -> str:
    """The command that started this process: `daybook`, or the module."""
    script = Path(sys.argv[0])
    return shlex.quote(sys.argv[0]) if script.name == "daybook" else f"{shlex.quote(sys.executable)} -m interfaces.cli"


def _data(started: Started) -> str:
    return "" if started.data == HOME.absolute() else f" --data {shlex.quote(str(started.data))}"


def _curl(started: Started, town: FirstBooking, start: datetime) -> str:
    body = {
        "service_id": str(town.service_id),
        "provider_id": str(town.provider_id),
        "start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return (
        f"TOKEN=$({_command()} token --role customer --sub {town.customer_id}{_data(started)})\n"
        f'curl -i {started.api}/v1/appointments -H "Authorization: Bearer $TOKEN"'
        f" -H 'Content-Type: application/json' -H 'Idempotency-Key: {new_id()}'"
        f" -d {shlex.quote(json.dumps(body))}"
    )
