"""Erasure of one account's rows beside the log, and the file of erased persons."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from infrastructure.database.row_pool import RowPool

_TABLES = ("credential", "session", "ticket", "api_key", "verification", "mail", "recovery_code")


class AccountData:
    """An account's rows: credentials, sessions, one-time tokens, API keys, verifications, mails."""

    def __init__(self, rows: RowPool) -> None:
        self._rows = rows

    async def drop(self, account_id: UUID) -> None:
        """Delete them. The security log keeps its rows: they hold no personal data."""
        async with self._rows.transaction() as connection:
            for table in _TABLES:
                await connection.execute(
                    f"DELETE FROM auth.{table} WHERE account_id = %s".encode(),  # noqa: S608
                    [account_id],
                )


class ErasedPersonsFile:
    """The ids of erased persons, one a line, append-only. Without a path, no file is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    async def add(self, subjects: Sequence[UUID]) -> None:
        """Append; on disk before it returns. Raises OSError."""
        if self._path is not None:
            await asyncio.to_thread(self._append, self._path, subjects)

    def read(self) -> Sequence[UUID]:
        """Every id in the file, each once."""
        if self._path is None or not self._path.exists():
            return ()
        return list(dict.fromkeys(UUID(line) for line in self._path.read_text(encoding="utf-8").split()))

    @staticmethod
    def _append(path: Path, subjects: Sequence[UUID]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{subject}\n" for subject in subjects))
            file.flush()
            os.fsync(file.fileno())
