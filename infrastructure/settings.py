"""The settings of one process, from the environment, `.env` and files of secrets; no other module reads them."""

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ModelWrapValidatorHandler, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from infrastructure import settings_rules as rules
from infrastructure import settings_values as values
from infrastructure.database.address import DatabaseAddress
from infrastructure.privacy.master_keys import MasterKeys
from infrastructure.settings_rules import SAMPLE_MASTER_KEY as SAMPLE_MASTER_KEY
from infrastructure.settings_rules import SAMPLE_SECRET_KEY as SAMPLE_SECRET_KEY

Port = Annotated[int, Field(ge=1, le=65535)]
Secret = Annotated[SecretStr | None, Field(None)]
File = Annotated[Path | None, Field(None)]


class Mode(StrEnum):
    """DEV: development. TEST: the application on TEST_DB_*, without demo data. PROD: deployment."""

    DEV = "DEV"
    TEST = "TEST"
    PROD = "PROD"


class Settings(BaseSettings, values.FeedSettings):
    """The settings of one process. Raises one pydantic.ValidationError with all faults; it shows no value."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    mode: Mode = Mode.DEV
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    api_host: str = "127.0.0.1"
    api_port: int = Field(8000, ge=0, le=65535)
    api_connections: int = Field(1000, ge=1)
    api_cache_mb: int = Field(64, ge=1)
    api_queue_delay: float = Field(0.05, gt=0)  # seconds
    api_drain_seconds: float = Field(0.0, ge=0)
    admin: bool = False
    public_url: Annotated[str, AfterValidator(values.web_address)] = "http://127.0.0.1:8000"
    trusted_proxies: Annotated[str, AfterValidator(values.networks_only)] = ""
    cors_origins: Annotated[str, AfterValidator(values.origins_only)] = ""

    secret_key: SecretStr = SecretStr(SAMPLE_SECRET_KEY)
    secret_key_file: File
    secret_key_previous: Secret
    secret_key_previous_file: File
    algorithm: Annotated[str, AfterValidator(values.known_algorithm)] = "HS256"

    master_key: SecretStr = SecretStr(SAMPLE_MASTER_KEY)
    master_key_file: File
    master_key_previous: Secret
    master_key_previous_file: File
    forgetting_days: int = Field(7, ge=0, le=365)
    forgotten_file: Path | None = None
    breached_passwords: Annotated[Path | None, AfterValidator(values.hash_list)] = None

    db_host: str | None = None
    db_port: Port = 5432
    db_name: str = "daybook"
    db_user: str = "daybook"
    db_pass: SecretStr = SecretStr("")
    db_pass_file: File
    db_sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    db_sslrootcert: str = ""
    unverified_servers: str = ""
    db_superuser: str | None = None
    db_superuser_pass: SecretStr = SecretStr("")
    db_superuser_pass_file: File
    db_pool_size: int = Field(10, ge=1)
    db_pool_timeout: float = Field(5.0, gt=0)  # seconds
    postgres_bin: Path | None = None

    test_db_host: str | None = None
    test_db_port: Port = 5432
    test_db_name: str = "test_postgres_db"
    test_db_user: str = "daybook"
    test_db_pass: SecretStr = SecretStr("")
    test_db_pass_file: File
    test_db_superuser: str | None = None
    test_db_superuser_pass: SecretStr = SecretStr("")
    test_db_superuser_pass_file: File

    redis_url: Annotated[Secret, AfterValidator(values.redis_address)]
    redis_url_file: File
    redis_prefix: str = "daybook:"

    broker_url: Annotated[Secret, AfterValidator(values.broker_address)]
    broker_url_file: File
    broker_visibility_timeout: int = Field(600, ge=1)  # seconds
    worker_concurrency: int = Field(2, ge=1, le=256)
    flower_url: str | None = None
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(0, ge=0, le=65535)
    metrics_url: str | None = None
    flower_basic_auth: Annotated[Secret, AfterValidator(values.user_and_password)]
    flower_basic_auth_file: File

    smtp_url: Annotated[Secret, AfterValidator(values.mail_server)]
    smtp_url_file: File
    mail_from: str = "Daybook <no-reply@daybook.example>"
    mail_sender_name: str = ""
    mail_sender_address: str = ""
    support_url: Annotated[str, AfterValidator(values.help_address)] = ""
    mailbox: Path | None = None
    quiet_hours: Annotated[str, AfterValidator(values.hours_only)] = ""

    sentry_dsn: Annotated[Secret, AfterValidator(values.sentry_address)]
    sentry_dsn_file: File
    sentry_environment: str = ""
    tracing_url: Annotated[str, AfterValidator(values.collector_address)] = ""
    webhook_allow_private: Annotated[str, AfterValidator(values.networks_only)] = ""

    @property
    def proxies(self) -> Sequence[IPv4Network | IPv6Network]:
        """The networks whose X-Forwarded-For is trusted."""
        return values.networks(self.trusted_proxies)

    @property
    def webhook_networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """The private networks that webhooks may go to."""
        return values.networks(self.webhook_allow_private)

    @property
    def origins(self) -> Sequence[str]:
        """The web pages that may call the API from a browser."""
        return values.parts(self.cors_origins)

    @property
    def secret_keys(self) -> tuple[str, str | None]:
        """The key that signs, and one more that is accepted."""
        more = self.secret_key_previous
        return self.secret_key.get_secret_value(), more.get_secret_value() if more else None

    @property
    def masters(self) -> MasterKeys:
        """The keys that encrypt the keys of persons."""
        previous = self.master_key_previous
        return MasterKeys(self.master_key.get_secret_value(), previous.get_secret_value() if previous else None)

    @property
    def database_prefix(self) -> Literal["db", "test_db"]:
        """The prefix of the settings of the application's database."""
        return "test_db" if self.mode is Mode.TEST else "db"

    @property
    def database(self) -> DatabaseAddress | None:
        """The database as the application's role; None without a host: the private server of this machine."""
        return self._address(self.database_prefix)

    @property
    def owner_database(self) -> DatabaseAddress | None:
        """The database as the role that owns and migrates it: DB_SUPERUSER, else DB_USER."""
        return self._address(self.database_prefix, owner=True)

    @property
    def test_owner_database(self) -> DatabaseAddress | None:
        """The server of the test suite as its superuser; None without TEST_DB_HOST."""
        return self._address("test_db", owner=True)

    @property
    def broker(self) -> str:
        """The URL of Celery's broker: BROKER_URL, else Redis; empty without either."""
        url = self.broker_url or self.redis_url
        return url.get_secret_value() if url else ""

    @property
    def mail_server(self) -> str | None:
        """The URL of the mail server; None in TEST, where no mail leaves the machine."""
        return self.smtp_url.get_secret_value() if self.smtp_url and self.mode is not Mode.TEST else None

    @property
    def dev_mailbox(self) -> Path | None:
        """The folder that takes mail instead of a mail server: in TEST, and in DEV without SMTP_URL."""
        return self.mailbox if self.mode is not Mode.PROD and self.mail_server is None else None

    def _address(self, prefix: str, *, owner: bool = False) -> DatabaseAddress | None:
        parts = ("host", "port", "name", "superuser")
        host, port, name, superuser = (getattr(self, f"{prefix}_{part}") for part in parts)
        if host is None:
            return None
        role = "superuser" if owner and superuser is not None else "user"
        password: SecretStr = getattr(self, f"{prefix}_superuser_pass" if role == "superuser" else f"{prefix}_pass")
        user = getattr(self, f"{prefix}_{role}")
        tls = (self.db_sslmode, self.db_sslrootcert) if prefix == "db" else ()
        return DatabaseAddress(host, port, name, user, password.get_secret_value(), *tls)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return rules.sources(settings_cls, init_settings, env_settings, dotenv_settings)

    @model_validator(mode="wrap")
    @classmethod
    def _collect_faults(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return rules.validated(dict(given), handler, cls.model_fields)


def without_superuser(settings: Settings) -> Settings:
    """The settings of a role that runs for long; raises ValidationError if it has DB_SUPERUSER in PROD."""
    if settings.mode is Mode.PROD and settings.db_superuser:
        raise rules.superuser_refused(settings.db_superuser)
    return settings


def set_variable(name: str, value: str | None) -> None:
    """Set or, for None, remove a variable of this process, for libraries that read it and for its children."""
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value


def inherited() -> dict[str, str]:
    """The variables of this process, for its children."""
    return dict(os.environ)


def adopt(variables: Mapping[str, str]) -> Settings:
    """The settings of a parent process: its variables take the place of this process's own."""
    os.environ.clear()
    os.environ.update(variables)
    return Settings()


def variables_of(settings: Settings) -> dict[str, str]:
    """The variables of a child process with the same settings: those of this process, and every setting that is set."""
    found = inherited()
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if name.endswith("_file") and name.removesuffix("_file") in rules.SECRETS:
            found.pop(name.upper(), None)  # the secret itself is handed on
        elif value is not None:
            found[name.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return found
