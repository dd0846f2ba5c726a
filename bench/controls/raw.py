"""The control without a framework: ASGI with the same token check, validation and answer bytes."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.settings import Settings
from interfaces.http.booking.appointment_schemas import BookAppointmentBody

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

tokens = AccessTokens(Settings().secret_key.get_secret_value())
validate = BookAppointmentBody.__pydantic_validator__.validate_json
answer = b"{}"


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """PUT /answer says what the others answer with from then on."""
    global answer  # noqa: PLW0603
    if scope["type"] == "lifespan":
        return await _live(receive, send)
    if scope["path"] == "/v1/appointments":
        bearer = next(value for name, value in scope["headers"] if name == b"authorization")
        tokens.verify(bearer[7:].decode())
        validate(await _body(receive))
        return await _reply(send, 201, answer)
    if scope["path"] == "/answer":
        answer = await _body(receive)
        return await _reply(send, 204, b"")
    return await _reply(send, 200, answer)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _body(receive: Receive) -> bytes:
    found = b""
    while True:
        message = await receive()
        found += message.get("body", b"")
        if not message.get("more_body"):
            return found


async def _reply(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
