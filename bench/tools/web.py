"""Single requests, for preparing."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from bench.tools.taking import an_appointment
from domain.booking.appointment_text import note_of
from domain.kernel import new_id
from infrastructure.local.programs import HOST
from interfaces.http.booking.appointment_response import appointment_response


def get(port: int, path: str, token: str | None = None) -> bytes:
    """The body of an answer, which is 200."""
    return _ask(port, "GET", path, None, 200, token)


def put(port: int, path: str, body: bytes) -> None:
    _ask(port, "PUT", path, body, 204)


def _ask(port: int, method: str, path: str, body: bytes | None, expected: int, token: str | None = None) -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request(method, path, body, {"authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == expected, said
        return said
    finally:
        connection.close()


def sample_booking(said: Mapping[str, Any]) -> bytes:
    """What the API answers to a booking that says this: the same fields, of the same length."""
    now, customer = datetime.now(UTC), new_id()
    note = note_of(customer, said.get("note", ""), said.get("answers", {}))
    return to_json(appointment_response(an_appointment(customer, new_id(), new_id(), now.date(), 20, now, note)))
