"""The booking window of a service in bodies and answers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interfaces.http.framework.fields import Body, Date
from interfaces.http.vocabulary.enum_name import EnumName


class BookingWindowBody(Body):
    """How far ahead customers can book: `days` for rolling and business windows, `from` and `to` for a fixed one."""

    kind: Annotated[Literal["rolling", "business", "fixed"], EnumName("BookingWindowKind")]
    days: int | None = Field(None, ge=1, le=3660)
    from_: Date | None = Field(None, alias="from")
    to: Date | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.days is not None) is (self.kind == "fixed"):
            raise PydanticCustomError("window", "`days` is for rolling and business windows, and required there.")
        dated = self.from_ is not None or self.to is not None
        if dated is not (self.kind == "fixed"):
            raise PydanticCustomError("window", "A fixed window needs `from`, `to` or both; others take neither.")
        if self.from_ and self.to and self.to < self.from_:
            raise PydanticCustomError("window", "`to` must not be before `from`.")
        return self
