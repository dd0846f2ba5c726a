"""`daybook audit export` and `replay`: a part of the log in one file, for an auditor without this database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from interfaces.cli.failures import fail
from interfaces.cli.ledger.checkpoints import verified_heads
from interfaces.cli.ledger.opened import KeyFile, PublicKey, key_of, signed
from interfaces.cli.options import HOME, Data
from interfaces.cli.progress import progress

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from infrastructure.ledger.archive.making import ArchiveRequest
    from infrastructure.ledger.archive.replay import ArchiveReplay
    from infrastructure.ledger.checkpoint import SignedCheckpoint

_RANGE_HELP = "A position such as 0.4711. With a range, all other events of it are withheld: their digests alone."
Out = Annotated[Path, typer.Argument(help="The file to write.")]
Archive = Annotated[Path, typer.Argument(help="The file of an archive.")]
Organization = Annotated[UUID | None, typer.Option(help="Everything that belonged to this organization.")]
OneStream = Annotated[UUID | None, typer.Option("--stream", help="One aggregate.")]
Since = Annotated[str | None, typer.Option("--from", help=_RANGE_HELP)]
Upto = Annotated[str | None, typer.Option("--to", help=_RANGE_HELP)]
Told = Annotated[bool, typer.Option("--told", help="Say in clear what personal data the events hold.")]
Checkpoint = Annotated[Path | None, typer.Option(help="Up to this checkpoint of the same key. Default: a new one.")]

app = typer.Typer()


@app.command()
def export(
    file: Out,
    organization: Organization = None,
    stream: OneStream = None,
    from_: Since = None,
    to: Upto = None,
    told: Told = False,
    checkpoint: Checkpoint = None,
    key_file: KeyFile = None,
    data: Data = HOME,
) -> None:
    """Write a signed archive of events, which an auditor verifies without this server (docs/auditors.md).

    Personal data stays encrypted, and no key is written: --told adds it in clear.
    """
    from domain.log_position import position_text
    from infrastructure.ledger.archive.making import ArchiveRequest
    from infrastructure.ledger.checkpoint import public_text, read, sign

    asked = ArchiveRequest(organization, stream, _position(from_), _position(to), told)
    ways = asked.organization, asked.stream, asked.since or asked.upto
    if not any(ways) or all(ways[:2]):
        fail("Name one of --organization and --stream, or a range with --from and --to.", status=2)
    key = key_of(key_file, data)
    if checkpoint is not None:
        head, text = signed(checkpoint, public_text(key)), checkpoint.read_text(encoding="utf-8")
    else:
        text = sign(verified_heads(data), key)
        head = read(text.encode())
    if head.heads.root is None:
        fail(f"{checkpoint}: it is of version 1, which has no root.")
    events = _made(file, asked, (head, text), key, data).get("event", 0)
    typer.echo(f"{file}: {events} events, up to position {position_text(head.heads.log.position)}.")
    typer.echo(f"Signed with the key whose public half is {public_text(key)}", err=True)


@app.command()
def replay(
    archive: Archive,
    key: PublicKey = None,
    stream: OneStream = None,
    history: Annotated[bool, typer.Option("--history", help="Print the events in place of the states.")] = False,
) -> None:
    """Print the aggregates of an archive as today's code reads them, one JSON object a line. It needs no server.

    Personal data that the archive does not tell is "forgotten". The first damaged line is named, with exit status 1.
    """
    from infrastructure.ledger.archive.lines import DamagedArchive
    from infrastructure.ledger.archive.replay import ArchiveReplay

    found = ArchiveReplay()

    def seen(line: Mapping[str, Any], event: Any) -> None:
        if history and stream in {None, event.originator_id}:
            typer.echo(_event(line, event))

    try:
        found.read(archive, key, seen)
    except OSError as unreadable:
        fail(f"Cannot read archive {archive}: {unreadable.strerror}.")
    except DamagedArchive as damaged:
        fail(f"FAILED: {archive}: {damaged}.")
    if not history:
        _print_states(found, stream)
    for each in sorted(found.partial):
        typer.echo(f"Stream {each} begins before the archive: it has a history here, and no state.", err=True)
    if key is None:
        typer.echo("Without --key nobody knows who signed it.", err=True)


def _made(
    file: Path, asked: ArchiveRequest, checkpoint: tuple[SignedCheckpoint, str], key: Ed25519PrivateKey, data: Path
) -> Mapping[str, int]:
    import asyncio

    from application.event_log import Unavailable
    from domain.errors import NotFound
    from infrastructure.ledger.archive.making import ArchiveMaker
    from infrastructure.ledger.archive.told import recorded_views
    from infrastructure.ledger.chain import Broken
    from infrastructure.local.instance import settings_of

    settings = settings_of(data.absolute())
    assert settings.database is not None
    dsn = settings.database.dsn
    try:
        with progress("Exporting") as bar:
            maker = ArchiveMaker(dsn, settings.masters, key, bar, recorded_views(dsn))
            return asyncio.run(maker.make(file, asked, *checkpoint))
    except (NotFound, Unavailable, OSError) as refused:
        fail(str(refused))
    except Broken as found:
        fail(f"FAILED: {found}")


def _event(line: Mapping[str, Any], event: Any) -> str:
    import json
    from datetime import UTC, datetime, timedelta

    from domain.log_position import position_text
    from interfaces.http.audit.past_bodies import exact
    from projections.read_models.history import data_of

    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=line["at"])
    about = {"position": position_text(line["position"]), "at": exact(at)}
    about |= {name: line[name] for name in ("stream", "version", "topic")}
    told = {**about, "metadata": json.loads(line["metadata"]), "data": data_of(event)}
    return json.dumps(told, ensure_ascii=False, default=str)


def _print_states(found: ArchiveReplay, stream: UUID | None) -> None:
    import asyncio
    import json

    from domain.errors import NotFound
    from interfaces.http.audit.state import state_of

    for id, aggregate in found.aggregates.items():
        if stream not in {None, id}:
            continue
        about = {"stream": str(id), "kind": type(aggregate).__name__, "version": aggregate.version}
        try:
            state = asyncio.run(state_of(aggregate, found))
        except NotFound as missing:  # what it needs is in another stream, which is not in the archive
            typer.echo(f"{id}: {missing}", err=True)
            continue
        typer.echo(json.dumps({**about, "state": state}, ensure_ascii=False))


def _position(text: str | None) -> int | None:
    from domain.log_position import position_of

    found = None if text is None else position_of(text)
    if text is not None and not found:
        fail(f"{text} is no position. Use one such as 0.4711.", status=2)
    return found
