"""The address of a database."""

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True)
class DatabaseAddress:
    """Host, port and name of a database, and the role to sign in with."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)

    @property
    def dsn(self) -> str:
        """`postgresql://...`, as libpq and psycopg take it."""
        role = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{role}@{self.host}:{self.port}/{quote(self.name, safe='')}"
