"""The public name of a fixed set of values."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core.core_schema import CoreSchema

KEY = "x-enum-name"


@dataclass(frozen=True)
class EnumName:
    """`Annotated[Literal["a", "b"], EnumName("Letter")]` is the schema `Letter` of the OpenAPI document."""

    name: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), KEY: self.name}
