"""API keys as JSON."""

from typing import Any

from application.identity.api_key import ApiKey
from interfaces.http.framework.fields import Instant, Resource, plain


class ApiKeyResponse(Resource):
    """An API key. `used_at`: the last use, to the minute."""

    name: str
    scopes: list[str]
    created_at: Instant
    expires_at: Instant | None
    used_at: Instant | None


def api_key_response(key: ApiKey) -> dict[str, Any]:
    """An API key as JSON."""
    return {
        "id": key.id,
        "version": key.version,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": plain(key.created_at),
        "expires_at": plain(key.expires_at) if key.expires_at else None,
        "used_at": plain(key.used_at) if key.used_at else None,
    }
