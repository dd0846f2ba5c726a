"""The rules of all settings together: sources, secret files, keys; every fault is collected, not only the first."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from infrastructure.settings_production import refused_in_production
from infrastructure.settings_values import KEY_BYTES

T = TypeVar("T")
SAMPLE_SECRET_KEY = "daybook-sample-key-that-everybody-knows"  # noqa: S105  refused in PROD
SAMPLE_MASTER_KEY = "daybook-sample-master-key-that-everybody-knows"
SAMPLES = {SAMPLE_SECRET_KEY, SAMPLE_MASTER_KEY}
SECRETS = (
    "secret_key",
    "secret_key_previous",
    "master_key",
    "master_key_previous",
    "db_pass",
    "db_superuser_pass",
    "test_db_pass",
    "test_db_superuser_pass",
    "redis_url",
    "smtp_url",
    "broker_url",
    "nats_url",
    "flower_basic_auth",
    "sentry_dsn",
)
RENAMED: Mapping[str, str] = {
    "environment": "MODE",
    "db_password": "DB_PASS",
    "db_password_file": "DB_PASS_FILE",
    "db_superuser_password": "DB_SUPERUSER_PASS",
    "db_superuser_password_file": "DB_SUPERUSER_PASS_FILE",
    "test_db_password": "TEST_DB_PASS",
    "test_db_superuser_password": "TEST_DB_SUPERUSER_PASS",
}
"""Names of release 0.1.0. Daybook refuses to start while one is set, so that no setting is ignored silently."""


class _Source(PydanticBaseSettingsSource):
    """Another source without the secrets that a stronger source sets in the other form, plain or `_FILE`."""

    def __init__(
        self, cls: type[BaseSettings], source: PydanticBaseSettingsSource, *stronger: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(cls)
        self._source = source
        self._stronger = stronger

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        overridden = {_other_form(name) for source in self._stronger for name in source()}
        found = {name: value for name, value in self._source().items() if name not in overridden}
        variables: Mapping[str, str | None] = getattr(self._source, "env_vars", {})
        return found | {name: value for name, value in variables.items() if name in RENAMED and value}


def _other_form(name: str) -> str:
    return name.removesuffix("_file") if name.endswith("_file") else f"{name}_file"


def sources(
    cls: type[BaseSettings],
    init: PydanticBaseSettingsSource,
    environment: PydanticBaseSettingsSource,
    dotenv: PydanticBaseSettingsSource,
) -> tuple[PydanticBaseSettingsSource, ...]:
    """Strongest first: arguments, environment, `.env`; those names of 0.1.0 that are set come along."""
    return init, _Source(cls, environment, init), _Source(cls, dotenv, init, environment)


def validated(values: dict[str, Any], build: Callable[[Any], T], fields: Mapping[str, FieldInfo]) -> T:
    """The result of `build` from the values. Raises one ValidationError with every fault, advice as its message."""
    faults = [
        _fault(old, None, f"use {new}: {old.upper()} is its name of release 0.1.0")
        for old, new in RENAMED.items()
        if values.pop(old, None)
    ]
    faults += _read_files(values)
    built: list[T] = []
    try:
        built.append(build(values))
    except ValidationError as wrong:
        faults += [_advised(error, fields) for error in wrong.errors(include_url=False)]
    faults += _weak_keys(values)
    if values.get("mode") == "PROD":
        refused = refused_in_production(values, fields["public_url"].default)
        faults += [_fault(name, value, advice) for name, value, advice in refused]
    if faults:
        raise ValidationError.from_exception_data("Settings", faults, hide_input=True)
    return built[0]


def superuser_refused(user: str) -> ValidationError:
    """The refusal of DB_SUPERUSER in PROD, by a role that does not need it."""
    advice = "leave it out: only `daybook migrate`, `rebuild` and `admin` need it"
    return ValidationError.from_exception_data("Settings", [_fault("db_superuser", user, advice)], hide_input=True)


def _fault(name: str, value: object, advice: str) -> InitErrorDetails:
    error = PydanticCustomError("setting", "{advice}", {"advice": advice})
    return InitErrorDetails(type=error, loc=(name.upper(),), input=value)


def _read_files(values: dict[str, Any]) -> Iterator[InitErrorDetails]:
    for name in SECRETS:
        if not (path := values.get(f"{name}_file")):
            continue
        if values.get(name) is not None:
            yield _fault(name, None, f"set {name.upper()} or {name.upper()}_FILE, not both")
            continue
        try:
            if text := Path(path).read_text(encoding="utf-8").strip():  # an empty file is as good as none
                values[name] = text
        except (OSError, UnicodeDecodeError) as unreadable:
            why = unreadable.strerror if isinstance(unreadable, OSError) else "not text"
            yield _fault(f"{name}_file", path, f"name a file that Daybook can read ({why})")


def _weak_keys(values: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """SECRET_KEY is long enough in every mode, unless it is the sample; in PROD each key is one's own."""
    algorithm = str(values.get("algorithm", "HS256"))
    production = values.get("mode") == "PROD"
    for name, sample in (
        ("secret_key", SAMPLE_SECRET_KEY),
        ("secret_key_previous", ""),
        ("master_key", SAMPLE_MASTER_KEY),
    ):
        given = values.get(name, sample)
        key = given.get_secret_value() if isinstance(given, SecretStr) else str(given or "")
        needed = 32 if name == "master_key" else KEY_BYTES.get(algorithm, 32)
        is_sample, is_short = key in SAMPLES, len(key.encode()) < needed
        wrong = is_sample or is_short if production else is_short and not is_sample and name != "master_key"
        if key and wrong:
            purpose = f" for {algorithm}" if name != "master_key" and algorithm in KEY_BYTES else ""
            yield _fault(name, None, f"use a key of your own of {needed} bytes or more{purpose}; {_makes_one(needed)}")


def _makes_one(size: int) -> str:
    python = (
        f"from base64 import b64encode; from secrets import token_bytes; print(b64encode(token_bytes({size})).decode())"
    )
    return f'this makes one: python3 -c "{python}" (or: openssl rand -base64 {size})'


def _advised(error: Any, fields: Mapping[str, FieldInfo]) -> InitErrorDetails:
    name = str(error["loc"][0])
    return _fault(name, error["input"], _advice(error, fields[name]))


def _advice(error: Any, field: FieldInfo) -> str:
    context = error.get("ctx", {})
    if "expected" in context:
        return f"use {context['expected']}".replace("'", "")
    if error["type"] == "value_error":
        return str(context["error"])
    number = "a number" if field.annotation is float else "a whole number"
    low, over, high = (_limit(field, kind) for kind in ("ge", "gt", "le"))
    if low is not None and high is not None:
        return f"use {number} from {low} to {high}"
    if low is not None:
        return f"use {number} of {low} or more"
    return f"use {number} above {over}" if over is not None else str(error["msg"])


def _limit(field: FieldInfo, kind: str) -> Any:
    found = [limit for each in field.metadata if (limit := getattr(each, kind, None)) is not None]
    return found[0] if found else None
