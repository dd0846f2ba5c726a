"""A private RabbitMQ, where the machine has one: its own node, ports and folder, gone when it is stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

from kombu import Connection

from infrastructure.local.programs import HOST, free_port, wait_until
from infrastructure.settings import inherited

PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
"""Debian's own script first: what is on its PATH insists on the account `rabbitmq`."""
START = 300.0  # seconds: the machine may have other things to do
SHUTDOWN = 30.0


def find_rabbitmq() -> str | None:
    """The program, if this machine has it."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class RabbitMQ:
    """A node in `folder`, from `start()` to `stop()`; the same port and messages when started again."""

    def __init__(self, folder: Path, program: str) -> None:
        self._folder, self._program = folder, program
        self._port, self._distribution, self._epmd = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self._port}//"

    def start(self) -> Self:
        """Return when it answers."""
        (self._folder / "plugins").write_text("[].")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program], cwd=self._folder, env=self._environment(), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        if not wait_until(lambda: self._answers() or self._ended(), START) or self._ended():
            self.stop()
            raise AssertionError((self._folder / "log").read_text())
        return self

    def stop(self) -> None:
        """As its operator would; it keeps what is durable."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(SHUTDOWN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # The name server that Erlang starts beside outlives it.
        subprocess.run(["epmd", "-kill"], env=self._environment(), capture_output=True, check=False)

    def _environment(self) -> dict[str, str]:
        return inherited() | {
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": "daybook@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._epmd),
        }

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), Connection(self.url, connect_timeout=5) as connection:
            connection.connect()
            return True
        return False
