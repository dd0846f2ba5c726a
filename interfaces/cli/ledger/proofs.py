"""`daybook audit proof` and `consistency`: what an auditor checks against the root of a checkpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.failures import fail
from interfaces.cli.ledger.opened import PublicKey, on_log, signed
from interfaces.cli.options import HOME, Data

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.ledger import ConsistencyProof, InclusionProof

_EVENT_HELP = "The position of an event such as 0.4711, or the id of its stream."
Event = Annotated[str, typer.Argument(help=_EVENT_HELP)]
Version = Annotated[int | None, typer.Option(help="The version of the stream's event. Default: its last.")]
Checkpoint = Annotated[Path | None, typer.Option(help="Prove against the root of this checkpoint. Default: the log's.")]

app = typer.Typer()


@app.command()
def proof(
    event: Event,
    version: Version = None,
    checkpoint: Checkpoint = None,
    key: PublicKey = None,
    data: Data = HOME,
) -> None:
    """Print the proof that an event is in the log, as JSON.

    It is checked before it is printed, against the root of the checkpoint if there is one.
    """
    from infrastructure.ledger.proofs import inclusion
    from infrastructure.ledger.tree import leaf_hash, verify_inclusion
    from interfaces.http.audit.proof_bodies import event_of, inclusion_body

    heads = signed(checkpoint, key).heads if checkpoint else None
    if heads is not None and heads.root is None:
        fail(f"{checkpoint}: it is of version 1, which has no root.")

    async def run(connection: AsyncConnection) -> InclusionProof:
        return await inclusion(connection, event_of(event), version, heads.log.position if heads else None)

    found = _asked(data, run)
    root = heads.root if heads is not None and heads.root is not None else found.tree.root
    leaf = leaf_hash(found.digest, found.position, _micros(found))
    if not verify_inclusion(leaf, found.position - 1, found.tree.position, found.path, root):
        fail(f"FAILED: the log up to position {found.tree.position} is not what was signed.")
    _print(inclusion_body(found))


@app.command()
def consistency(
    from_: Annotated[str, typer.Argument(metavar="FROM", help="The earlier position.")],
    to: Annotated[str | None, typer.Argument(help="The later position. Default: the end of the log.")] = None,
    data: Data = HOME,
) -> None:
    """Print the proof that the log up to one position is the beginning of that up to another, as JSON."""
    from domain.log_position import position_of
    from infrastructure.ledger.proofs import consistency as proven
    from infrastructure.ledger.tree import verify_consistency
    from interfaces.http.audit.proof_bodies import consistency_body

    first, second = position_of(from_), None if to is None else position_of(to)
    if not first or (to is not None and not second) or (second is not None and first > second):
        fail("Use two positions such as 0.4711, the earlier first.", status=2)

    async def run(connection: AsyncConnection) -> ConsistencyProof:
        return await proven(connection, first, second)

    found = _asked(data, run)
    heads = found.first, found.second
    if not verify_consistency(heads[0].position, heads[1].position, (heads[0].root, heads[1].root), found.path):
        fail("FAILED: the subtrees that the projection keeps are not those of the log. Run `daybook audit verify`.")
    _print(consistency_body(found))


def _asked(data: Path, run: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
    from pydantic_core import PydanticCustomError

    from domain.errors import NotFound
    from projections.query.snapshot import BeyondHead

    try:
        return on_log(data, run)
    except (NotFound, BeyondHead, PydanticCustomError) as refused:
        fail(str(refused))


def _micros(found: InclusionProof) -> int:
    from datetime import UTC, datetime, timedelta

    return (found.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _print(body: Any) -> None:
    import json

    typer.echo(json.dumps(body, indent=2))
