"""One log line for each request, in DEV: method, path, status and time. Never a query, which may hold a secret.

Health checks are for LOG_LEVEL=DEBUG.
"""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("http")


def logged(app: ASGIApp) -> ASGIApp:
    """The app, with a line for each request that it answers."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await app(scope, receive, send_and_note)
        took = round((time.perf_counter() - began) * 1000, 1)
        # Supervisors ask for health all the time: those lines would hide the others.
        note = log.debug if scope["path"].startswith("/health/") else log.info
        note("request", method=scope["method"], path=scope["path"], status=status, took_ms=took)

    return answer
