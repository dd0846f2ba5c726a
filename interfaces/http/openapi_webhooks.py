"""The webhooks section of the OpenAPI document: the messages that Daybook sends to servers."""

from typing import Any

from pydantic.json_schema import models_json_schema

from interfaces.http.webhooks.message_schemas import MESSAGES, Message

Described = dict[str, Any]
_REF = "#/components/schemas/"
_TEXT = {"type": "string"}
_HEADERS: tuple[tuple[str, str, str], ...] = (
    ("webhook-id", "The id of the message, the same at every attempt.", "msg_4c1f6d0e6a0b5d3e9c2f1a2b3c4d5e6f"),
    ("webhook-timestamp", "When Daybook sent the message: seconds since 1970.", "1894012872"),
    ("webhook-signature", "The signatures of Standard Webhooks.", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
)
_RESPONSES = {
    "2XX": {"description": "Accepted. Daybook ignores the body."},
    "410": {"description": "Gone: Daybook disables the webhook at once."},
    "4XX": {"description": "Not accepted. Daybook sends the message again later; later messages wait."},
    "5XX": {"description": "Not accepted. Daybook sends the message again later; later messages wait."},
}


def message_schemas() -> dict[str, Described]:
    """The schemas of all messages, by name."""
    models: list[tuple[type[Message], Any]] = [(each, "serialization") for each in dict.fromkeys(MESSAGES.values())]
    _, described = models_json_schema(models, ref_template=_REF + "{model}")
    found: dict[str, Described] = described["$defs"]
    return found


def webhooks() -> dict[str, Any]:
    """Each type of event, with the request that a webhook's server receives."""
    return {name: {"post": _operation(name, message.__name__)} for name, message in MESSAGES.items()}


def _operation(name: str, schema: str) -> Described:
    headers = [
        {"name": header, "in": "header", "required": True, "description": text, "schema": _TEXT, "example": example}
        for header, text, example in _HEADERS
    ]
    return {
        "tags": ["webhooks"],
        "summary": f"Receive {name}",
        "description": "Daybook sends this to the `url` of each webhook that has the type. See docs/webhooks.md.",
        "operationId": f"receive_{name.replace('.', '_')}",
        "security": [],
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": _REF + schema}}}},
        "responses": _RESPONSES,
    }
