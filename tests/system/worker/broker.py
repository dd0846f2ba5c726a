"""A Valkey for Celery that a test may empty, take away and bring back at the same address."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

import redis

from infrastructure.local.programs import HOST, find_valkey, free_port, wait_until


class Broker:
    """It keeps nothing on disk: whoever takes it away takes all messages away."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> Self:
        settings = [
            "--bind",
            HOST,
            "--port",
            str(self.port),
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(find_valkey()), *settings], cwd=self._log.parent, stdout=log, stderr=log
            )
        assert wait_until(self._answers, 120), self._log.read_text()
        return self

    def stop(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def flush(self) -> None:
        with self.client as client:
            client.flushall()

    def waiting(self, queue: str) -> int:
        """How many messages are in a queue."""
        with self.client as client:
            return int(str(client.llen(f"daybook:{queue}")))

    def _answers(self) -> bool:
        with suppress(redis.RedisError), self.client as client:
            return bool(client.ping())
        return False
