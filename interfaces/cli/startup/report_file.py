"""The report of `daybook up` as a file of its data folder, which `daybook info` prints. It holds no tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPORT = "report.json"


def save(data: Path, report: Mapping[str, Any]) -> Path:
    """Write the report, for the owner of the folder alone; its file."""
    file = data / REPORT
    file.touch(mode=0o600)
    file.write_text(json.dumps({name: value for name, value in report.items() if name != "tokens"}), encoding="utf-8")
    return file


def lines_of(report: Mapping[str, Any]) -> Iterator[str]:
    """The report for people: addresses with passwords, the demo accounts, and a first booking."""
    yield f"API         {report['api']}    docs: {report['api']}/docs"
    yield f"PostgreSQL  {report['database']}"
    yield f"            {report['superuser_database']} (owner)"
    yield f"Redis       {report['redis']}"
    yield f"Metrics     {report['metrics']}"
    if report["flower"]:
        user, password = report["flower_user"], report["flower_password"]
        yield f"Flower      {report['flower']}    user: {user}    password: {password}"
    if report.get("admin"):
        yield f"Admin panel {report['admin']}"
    if report["mailbox"]:
        yield f"Mailbox     {report['api']}/dev/mailbox    files: {report['mailbox']}"
    if report["demo_accounts"]:
        yield f"Sign in as  {', '.join(report['demo_accounts'].values())}    password: {report['demo_password']}"
    if report["booking"]:
        yield f"\nBook a free time of the demo data:\n{report['booking']}"
