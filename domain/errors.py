"""The kinds of refusal. Each refusal is a small named class; its docstring is its public title."""

from typing import Any, ClassVar
from uuid import UUID


class Refusal(Exception):
    """The request can't be granted."""

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title())
        self.facts: dict[str, Any] = facts

    @classmethod
    def title(cls) -> str:
        """The public title: the first line of the docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    @property
    def detail(self) -> str:
        return str(self.args[0])


class NotFound(Refusal):
    """There is no such thing, or it is not yours to know of."""

    def __init__(self, what: str, id: UUID | str) -> None:
        super().__init__(f"No {what} {id}.")


class Conflict(Refusal):
    """A fact stands against it."""


class Gone(Refusal):
    """It is over."""


class Forbidden(Refusal):
    """You may not do this."""


class Unauthenticated(Refusal):
    """Who are you?"""


class Stale(Refusal):
    """It has changed since you read it."""

    def __init__(self, current: int) -> None:
        super().__init__(f"The current version is {current}.", current_version=current)


class Invalid(Refusal):
    """The request does not make sense."""

    status_hint: ClassVar[int] = 422

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer
