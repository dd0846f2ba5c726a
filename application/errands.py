"""Port to the work that is done after an answer has been sent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol


class Errands(Protocol):
    """Work to do after the answer, so that every answer takes as long as the others. Stored until it is done."""

    async def ask(self, kind: str, said: Mapping[str, Any], *, after: timedelta = timedelta()) -> None: ...
