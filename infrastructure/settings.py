"""What an operator may set, all of it from the environment or `.env`; nothing else reads either.

A secret may be in a file (`SECRET_KEY_FILE=/run/secrets/key`). `.env.example` explains every name.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from application.notifications.quiet_hours import QuietHours
from infrastructure.privacy.field_encryption import MasterKeys

SAMPLE_SECRET_KEY = "daybook-sample-key-that-everybody-knows"  # noqa: S105  refused in PROD
SECRET_KEY_BYTES = 32
SAMPLE_MASTER_KEY = "daybook-sample-master-key-that-everybody-knows"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
SECRETS = (
    "secret_key",
    "secret_key_previous",
    "master_key",
    "master_key_previous",
    "db_password",
    "db_superuser_password",
    "redis_url",
    "smtp_url",
    "broker_url",
    "flower_basic_auth",
)


class Environment(StrEnum):
    DEV = "DEV"
    PROD = "PROD"


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, and as whom to go there."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)

    @property
    def dsn(self) -> str:
        """`postgresql://...`, as libpq and psycopg take it."""
        who = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{who}@{self.host}:{self.port}/{quote(self.name, safe='')}"


class Settings(BaseSettings):
    """The settings of one process. Raises pydantic's ValidationError, which never shows a value."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    environment: Environment = Environment.DEV
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    api_host: str = "127.0.0.1"
    api_port: int = Field(8000, ge=0, le=65535)

    secret_key: SecretStr = SecretStr(SAMPLE_SECRET_KEY)
    secret_key_file: Path | None = None
    secret_key_previous: SecretStr | None = None
    secret_key_previous_file: Path | None = None
    trusted_proxies: str = ""
    cors_origins: str = ""

    master_key: SecretStr = SecretStr(SAMPLE_MASTER_KEY)
    master_key_file: Path | None = None
    master_key_previous: SecretStr | None = None
    master_key_previous_file: Path | None = None

    forgetting_days: int = Field(7, ge=0, le=365)
    forgotten_file: Path | None = None

    db_host: str | None = None
    db_port: int = 5432
    db_name: str = "daybook"
    db_user: str = "daybook"
    db_password: SecretStr = SecretStr("")
    db_password_file: Path | None = None
    db_superuser: str | None = None
    db_superuser_password: SecretStr = SecretStr("")
    db_superuser_password_file: Path | None = None
    db_pool_size: int = Field(10, ge=1)
    db_pool_timeout: float = Field(5.0, gt=0)

    test_db_host: str | None = None
    test_db_port: int = 5432
    test_db_name: str = "daybook_test"
    test_db_user: str = "daybook"
    test_db_password: SecretStr = SecretStr("")
    test_db_superuser: str | None = None
    test_db_superuser_password: SecretStr = SecretStr("")

    postgres_bin: Path | None = None

    redis_url: SecretStr | None = None
    redis_url_file: Path | None = None
    redis_prefix: str = "daybook:"

    broker_url: SecretStr | None = None
    broker_url_file: Path | None = None
    broker_visibility_timeout: int = Field(600, ge=1)  # seconds
    worker_concurrency: int = Field(2, ge=1, le=256)
    flower_basic_auth: SecretStr | None = Field(None)
    flower_basic_auth_file: Path | None = None

    public_url: str = Field("http://127.0.0.1:8000", pattern=r"^https?://[^\s#?]+$")
    smtp_url: SecretStr | None = None
    smtp_url_file: Path | None = None
    mail_from: str = "Daybook <no-reply@daybook.example>"
    mailbox: Path | None = None
    quiet_hours: str = ""

    webhook_allow_private: str = ""

    @property
    def quiet(self) -> QuietHours | None:
        """When no reminders are sent, in the zone of whoever gets them."""
        return QuietHours.read(self.quiet_hours)

    @property
    def proxies(self) -> Sequence[IPv4Network | IPv6Network]:
        """The networks whose X-Forwarded-For is believed."""
        return [ip_network(each.strip()) for each in self.trusted_proxies.split(",") if each.strip()]

    @property
    def webhook_networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """The private networks that webhooks may go to."""
        return [ip_network(each.strip()) for each in self.webhook_allow_private.split(",") if each.strip()]

    @property
    def origins(self) -> Sequence[str]:
        """Whose web pages may ask from a browser."""
        return [each.strip() for each in self.cors_origins.split(",") if each.strip()]

    @property
    def masters(self) -> MasterKeys:
        """The keys that seal the keys of persons."""
        previous = self.master_key_previous
        return MasterKeys(self.master_key.get_secret_value(), previous.get_secret_value() if previous else None)

    @property
    def database(self) -> DatabaseAddress | None:
        """The database as the application's role; None without DB_HOST: the servers of this machine."""
        return self._database(self.db_user, self.db_password)

    @property
    def owner_database(self) -> DatabaseAddress | None:
        """The database as the role that owns it and migrates it: DB_SUPERUSER, else DB_USER."""
        if self.db_superuser is None:
            return self.database
        return self._database(self.db_superuser, self.db_superuser_password)

    @property
    def test_database(self) -> DatabaseAddress | None:
        """The tests' database as the application's role; None without TEST_DB_HOST."""
        return self._test_database(self.test_db_user, self.test_db_password)

    @property
    def test_owner_database(self) -> DatabaseAddress | None:
        """The tests' database as the role that owns it: TEST_DB_SUPERUSER, else TEST_DB_USER."""
        if self.test_db_superuser is None:
            return self.test_database
        return self._test_database(self.test_db_superuser, self.test_db_superuser_password)

    @property
    def broker(self) -> str:
        """Celery's broker: BROKER_URL, else Redis; empty without either."""
        url = self.broker_url or self.redis_url
        return url.get_secret_value() if url else ""

    @property
    def dev_mailbox(self) -> Path | None:
        """Where mail is put instead of being sent: in DEV, without SMTP_URL."""
        return self.mailbox if self.environment is Environment.DEV and self.smtp_url is None else None

    def _database(self, user: str, password: SecretStr) -> DatabaseAddress | None:
        if self.db_host is None:
            return None
        return DatabaseAddress(self.db_host, self.db_port, self.db_name, user, password.get_secret_value())

    def _test_database(self, user: str, password: SecretStr) -> DatabaseAddress | None:
        if self.test_db_host is None:
            return None
        return DatabaseAddress(
            self.test_db_host, self.test_db_port, self.test_db_name, user, password.get_secret_value()
        )

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in SECRETS:
            if not (path := values.get(f"{name}_file")):
                continue
            if name in values:
                raise ValueError(f"{name.upper()} and {name.upper()}_FILE are both set")
            try:
                values[name] = Path(path).read_text().strip()
            except OSError as unreadable:
                raise ValueError(f"{name.upper()}_FILE: {unreadable}") from unreadable
        return values

    @model_validator(mode="after")
    def _read_proxies(self) -> Self:
        try:
            self.proxies  # noqa: B018  it is read to see that it can be
        except ValueError as wrong:
            raise ValueError(f"TRUSTED_PROXIES takes networks such as 10.0.0.0/8, by comma: {wrong}") from None
        return self

    @model_validator(mode="after")
    def _read_webhook_networks(self) -> Self:
        try:
            self.webhook_networks  # noqa: B018  it is read to see that it can be
        except ValueError as wrong:
            raise ValueError(f"WEBHOOK_ALLOW_PRIVATE takes networks such as 127.0.0.0/8, by comma: {wrong}") from None
        return self

    @model_validator(mode="after")
    def _read_quiet_hours(self) -> Self:
        try:
            self.quiet  # noqa: B018  it is read to see that it can be
        except ValueError as wrong:
            raise ValueError(f"QUIET_HOURS: {wrong}") from None
        return self

    @model_validator(mode="after")
    def _read_origins(self) -> Self:
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"CORS_ORIGINS takes origins such as https://app.example.org, by comma: {origin}")
        return self

    @model_validator(mode="after")
    def _refuse_weak_key(self) -> Self:
        for name in ("secret_key", "secret_key_previous", "master_key"):
            given: SecretStr | None = getattr(self, name)
            key = given.get_secret_value() if given else None
            if (
                key is not None
                and self.environment is Environment.PROD
                and (key in {SAMPLE_SECRET_KEY, SAMPLE_MASTER_KEY} or len(key.encode()) < SECRET_KEY_BYTES)
            ):
                raise ValueError(
                    f"{name.upper()} must be your own and {SECRET_KEY_BYTES} bytes at least in PROD; "
                    'this makes one: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
                )
        return self


def inherited() -> dict[str, str]:
    """The variables of this process, for its children."""
    return dict(os.environ)
