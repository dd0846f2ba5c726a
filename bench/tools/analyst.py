"""An analyst with a login: reads views in full, asks questions beside other work, or holds the views for long."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Event, Thread
from time import perf_counter, sleep

import psycopg
from psycopg.conninfo import make_conninfo

from bench.tools.place import Database
from infrastructure.database.analysts import grant
from tests.analysts import questions

_STARTS_WITHIN = 10.0  # seconds


class Analyst:
    """Of all organizations, of a database."""

    def __init__(self, database: Database) -> None:
        login = f"{database.name}_analyst"
        password = grant(database.owner, login, None, secrets.token_hex(16)).password
        assert password is not None
        self._dsn = make_conninfo(database.owner, user=login, password=password)

    def reads(self, statement: str) -> float:
        """Seconds until the last row of a statement is here."""
        with self.connected() as connection, connection.cursor() as cursor:
            began = perf_counter()
            with cursor.copy(f"COPY ({statement}) TO STDOUT".encode()) as copy:
                for _ in copy:
                    pass
            return perf_counter() - began

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Asks the questions of docs/analysts.md, one after the other without a pause, until the end of the block."""
        ended, failed = Event(), list[Exception]()

        def ask() -> None:
            try:
                with self.connected() as connection:
                    for sql in cycle(questions().values()):
                        if ended.is_set():
                            return
                        connection.execute(sql.encode()).fetchall()
            except Exception as error:  # noqa: BLE001  it is raised at the end
                failed.append(error)

        thread = Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if failed:
            raise failed[0]

    @contextmanager
    def holding(self, seconds: float) -> Iterator[None]:
        """One query over the appointments that lasts so long, from before the block on; waits for its end."""
        statement = f"SELECT count(*), pg_sleep({seconds}) FROM analysis.appointment"
        with self.connected() as connection:
            connection.execute("SET statement_timeout = 0")
            thread = Thread(target=connection.execute, args=[statement.encode()])
            thread.start()
            try:
                sleep(min(1.0, seconds / 2))  # it has its locks
                yield
            finally:
                thread.join()

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            yield connection
