"""Settings as text: the faults on one screen, and every setting in force with its source."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr, ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from infrastructure.settings import Settings
from infrastructure.settings_rules import SECRETS

HIDDEN = "***"
URLS = ("redis_url", "broker_url", "smtp_url", "sentry_dsn")


@dataclass(frozen=True)
class SettingInForce:
    """`value`: None where nothing is set; `source`: default, .env, environment, file PATH or `daybook up`."""

    name: str
    value: str | None
    source: str


def faults_text(faults: ValidationError) -> str:
    """One line for each wrong setting, with the advice; no value of a secret."""
    rows = [(str(each["loc"][0]), each["input"], each["msg"]) for each in faults.errors(include_url=False)]
    labels = [name if value is None or name.lower() in SECRETS else f"{name}={value}" for name, value, _ in rows]
    width = max(map(len, labels))
    count = "1 setting is wrong" if len(rows) == 1 else f"{len(rows)} settings are wrong"
    lines = [f"  {label:{width}}   {advice}" for label, (_, _, advice) in zip(labels, rows, strict=True)]
    return "\n".join(
        [f"Daybook cannot start: {count}.", *lines, "Every setting is explained in .env.example."],
    )


def in_force(settings: Settings, of_instance: Collection[str] = ()) -> Sequence[SettingInForce]:
    """Every setting in the order of its declaration. `of_instance`: names that `daybook up` has set."""
    environment, dotenv = EnvSettingsSource(Settings)(), DotEnvSettingsSource(Settings)()
    found = []
    for name in Settings.model_fields:
        if name.removesuffix("_file") not in SECRETS or name in SECRETS:
            source = "daybook up" if name in of_instance else _source(name, environment, dotenv)
            found.append(SettingInForce(name.upper(), _shown(settings, name), source))
    return found


def _source(name: str, environment: Mapping[str, object], dotenv: Mapping[str, object]) -> str:
    for source, values in (("environment", environment), (".env", dotenv)):
        if name in values:
            return source
        if f"{name}_file" in values:
            return f"file {values[f'{name}_file']}"
    return "default"


def _shown(settings: Settings, name: str) -> str | None:
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return _without_password(secret) if name in URLS else HIDDEN if secret else None
    return None if value in (None, "") else str(value)


def _without_password(url: str) -> str:
    """Everything before the last @ is hidden, and every parameter, which may hold a password too."""
    scheme, _, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    return f"{scheme}://{HIDDEN if credentials else ''}{at}{place.partition('?')[0]}"
