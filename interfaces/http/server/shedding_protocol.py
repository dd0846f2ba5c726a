"""HTTP/1.1 of uvicorn, which refuses a request at once if the app has no room for it."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from interfaces.http.server.refusals import CLOSE
from interfaces.http.server.shedding import Shedding


class SheddingProtocol(HttpToolsProtocol):
    """One connection. `last`: it ends with the request under way."""

    last = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Make the task of a request, unless the app has no room for it."""
        keep = cycle.keep_alive and not self.last
        shedding: Shedding | None = getattr(app, "shedding", None)
        more = cycle.default_headers if keep else [*cycle.default_headers, CLOSE]
        refusal = None if shedding is None else shedding.refusal(cycle.scope, more)
        if refusal is None:
            super()._start_asgi_task(cycle, app)
            return
        self.transport.write(refusal)
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        if not keep:
            self.transport.close()
        self.on_response_complete()

    def shutdown(self) -> None:
        """End after the answer under way; one that would not end by itself is told to."""
        super().shutdown()
        scope: Any = getattr(self.cycle, "scope", {})
        if (end := scope.get("end_stream")) is not None:
            end("drain")
