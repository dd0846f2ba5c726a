"""The kinds of refusal. Each refusal is a small class named after the fact; its docstring is the public title."""

from typing import Any
from uuid import UUID


class Refusal(Exception):
    """The request is refused."""

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
    """Not found, or you do not have access."""

    def __init__(self, what: str, id: UUID | str) -> None:
        super().__init__(f"There is no {what} {id}, or you do not have access.")


class Conflict(Refusal):
    """The request conflicts with the current state."""


class Gone(Refusal):
    """This has ended."""


class Forbidden(Refusal):
    """You are not allowed to do this."""


class Unauthenticated(Refusal):
    """Authentication is required."""


class Stale(Refusal):
    """It has changed since you read it."""

    def __init__(self, current: int, sent: int | None = None) -> None:
        yours = "" if sent is None else f", you sent {sent}"
        super().__init__(f"Version {current} is current{yours}. Read it again and retry.", current_version=current)


class Invalid(Refusal):
    """The request is invalid."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer
