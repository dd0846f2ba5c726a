"""`daybook audit checkpoint`, `checkpoints` and `compare`: signed heads of the log, which someone keeps elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.failures import fail
from interfaces.cli.ledger.opened import KeyFile, PublicKey, key_of, on_log, signed
from interfaces.cli.options import HOME, AsJson, Data
from interfaces.cli.progress import progress

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.ledger import ConsistencyProof
    from infrastructure.ledger.checkpoint import SignedCheckpoint
    from infrastructure.ledger.verification import LedgerHeads, VerificationResult

Files = Annotated[list[Path], typer.Argument(help="Files of checkpoints, or folders of them (*.json).")]
File = Annotated[Path, typer.Argument(help="The file of a checkpoint.")]

app = typer.Typer()


@app.command()
def checkpoint(data: Data = HOME, key_file: KeyFile = None) -> None:
    """Verify the whole log, and print its signed head and root, to keep elsewhere."""
    from infrastructure.ledger.checkpoint import public_text, sign

    key = key_of(key_file, data)
    typer.echo(sign(verified_heads(data), key))
    typer.echo(f"Signed with the key whose public half is {public_text(key)}", err=True)


def verified_heads(data: Path) -> LedgerHeads:
    """The heads of the log, and its root, all of them recomputed; fails for a log that does not hold."""
    from infrastructure.ledger.verification import verify

    with progress("Verifying") as bar:

        async def run(connection: AsyncConnection) -> VerificationResult:
            return await verify(connection, progress=bar, tree=True)

        verdict = on_log(data, run)
    if verdict.heads is None:
        fail(f"FAILED: {verdict.broken}. Nothing was signed.")
    return verdict.heads


@app.command()
def checkpoints(files: Files, key: PublicKey = None, as_json: AsJson = False) -> None:
    """List checkpoints: position, time, root and signer of each, in the order of positions.

    Exit status 1 if a file is no genuine checkpoint.
    """
    import json

    found = [
        (signed(file, key), file)
        for each in files
        for file in (sorted(each.glob("*.json")) if each.is_dir() else [each])
    ]
    listed = [
        {
            "position": one.heads.log.position,
            "at": one.heads.log.at.isoformat() if one.heads.log.at else None,
            "hash": one.heads.log.hash.hex(),
            "root": one.heads.root.hex() if one.heads.root else None,
            "key": one.key,
            "file": str(file),
        }
        for one, file in sorted(found, key=lambda pair: (pair[0].heads.log.position, pair[1]))
    ]
    if as_json:
        typer.echo(json.dumps(listed, indent=2))
    for each in () if as_json else listed:
        typer.echo("  ".join(str(each[name] or "-") for name in ("position", "at", "root", "key", "file")))


@app.command()
def compare(older: File, newer: File, data: Data = HOME, key: PublicKey = None) -> None:
    """Prove that two checkpoints of version 2 are of one log, which is the log of this database.

    Prints the first fault with exit status 1. `verify --checkpoint` recomputes all of the log instead.
    """
    first, second = sorted((signed(older, key), signed(newer, key)), key=lambda each: each.heads.log.position)
    for each, file in ((first, older), (second, newer)):
        if each.heads.root is None:
            fail(f"{file}: it is of version 1, which has no root. Use `daybook audit verify --checkpoint`.")
    typer.echo(_compared(first, second, data))


def _compared(first: SignedCheckpoint, second: SignedCheckpoint, data: Path) -> str:
    from infrastructure.ledger.proofs import consistency
    from infrastructure.ledger.tree import EMPTY, verify_consistency

    since, upto = first.heads.log.position, second.heads.log.position
    roots = first.heads.root or EMPTY, second.heads.root or EMPTY
    if since == upto and first.heads != second.heads:
        fail(f"FAILED: both are of position {upto}, and differ.")
    if since == 0:
        return f"OK: an empty log begins every log. The later checkpoint is at {upto}."

    async def run(connection: AsyncConnection) -> ConsistencyProof:
        return await consistency(connection, since, upto)

    proof = on_log(data, run)
    for head, root in zip((proof.first, proof.second), roots, strict=True):
        if head.root != root:
            fail(f"FAILED: the log up to position {head.position} is not what was signed.")
    if not verify_consistency(since, upto, roots, proof.path):
        fail(f"FAILED: the log up to position {upto} does not continue that up to {since}.")
    return f"OK: the log up to {upto} continues that up to {since}, by {len(proof.path)} hashes."
