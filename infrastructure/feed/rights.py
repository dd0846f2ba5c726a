"""Checks again, while a stream is open, whether its caller may still follow the feed."""

from typing import Protocol

from application.access import Caller, permit
from application.identity.api_key import PREFIX, ApiKeyHolders

OPERATION = "stream_events"


class Tokens(Protocol):
    """Access tokens."""

    def verify(self, token: str) -> Caller:
        """Raises Unauthenticated and Unavailable."""
        ...


class CredentialRights:
    """Access tokens and API keys."""

    def __init__(self, tokens: Tokens, holders: ApiKeyHolders) -> None:
        self._tokens, self._holders = tokens, holders

    async def caller(self, credential: str) -> Caller:
        key = credential.startswith(PREFIX)
        caller = await self._holders.holder(credential) if key else self._tokens.verify(credential)
        permit(caller, OPERATION)
        return caller
