"""The address of a database."""

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True)
class DatabaseAddress:
    """Host, port and name of a database, the role to sign in with, and how TLS is checked, in libpq's words."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    sslmode: str = "prefer"
    sslrootcert: str = ""

    @property
    def dsn(self) -> str:
        """`postgresql://...`, as libpq and psycopg take it."""
        role = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        tls = {"sslmode": self.sslmode if self.sslmode != "prefer" else "", "sslrootcert": self.sslrootcert}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in tls.items() if value)
        place = f"{self.host}:{self.port}/{quote(self.name, safe='')}"
        return f"postgresql://{role}@{place}{'?' if query else ''}{query}"
