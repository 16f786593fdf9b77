"""Settings, read once from the environment (`SKILLGAP_…`); inner code is given an engine, not settings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from skillgap.config.api_keys import read_keys
from skillgap.errors import ConfigurationError, MissingCredentials
from skillgap.sources.web_services.credentials import REQUESTS_PER_SECOND, Credentials
from skillgap.urls import masked_url

SECRETS = Path("/run/secrets")
"""Where containers find their secrets: a file `skillgap_database_password` is SKILLGAP_DATABASE_PASSWORD."""
_PREFIX = "SKILLGAP_"
_OTHERS = ("SKILLGAP_TEST_", "SKILLGAP_REQUIRE_")
"""Variables of the tests."""


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _checked(check: Callable[[Any], object]) -> AfterValidator:
    """Return a validator that keeps a value which `check` takes, and tells what ConfigurationError says of another."""

    def validate(value: Any) -> Any:
        if value is not None:
            try:
                check(value)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        return value

    return AfterValidator(validate)


def _check_database(url: SecretStr) -> None:
    from skillgap.store.engine import parse_url  # not before a database is named: SQLAlchemy takes its time

    parse_url(url.get_secret_value())


def _network(text: str) -> str:
    """Return an address or network as one; IPv4 in the form of IPv6 as IPv4, which is what proxies are known by."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not an address or network; write it like 192.0.2.7 or 10.0.0.0/8") from None
    address = text.partition("/")[0]
    if ip_address(address) != network.network_address:
        raise ValueError(f"{text!r} has bits beyond its prefix; write {network} for the network, or {address}")
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped:
        return f"{network.network_address.ipv4_mapped}/{network.prefixlen - 96}"
    return str(network)


def _origin(text: str) -> str:
    if not re.fullmatch(r"\*|https?://[^/\s]+", text):
        raise ValueError(f"{text!r} is no origin; write it like https://example.org, or * for all")
    return text


_Listed = (NoDecode, BeforeValidator(_split))
"""Written with commas between."""


@dataclass(frozen=True)
class _Wrong:
    """Stands for the value of a wrong setting: a line per reason, without secrets."""

    lines: tuple[str, ...]


class Settings(BaseSettings):
    """Every setting with its default; `env/env.env` lists them with their meaning.

    Using a wrong setting raises ConfigurationError: a command fails only for settings that it uses. `check` finds all.
    """

    model_config = SettingsConfigDict(env_prefix="SKILLGAP_", env_ignore_empty=True, frozen=True)

    database_url: Annotated[SecretStr | None, _checked(_check_database)] = None
    """Where the data live; None means the embedded SQLite database. Secret, as it may hold a password."""
    database_password: SecretStr | None = None
    """Of the database URL's user, where the URL has none; best given by a file of SECRETS."""
    release: str | None = None
    """What `skillgap load` loads unless told otherwise; None means the starter, if nothing is loaded yet."""
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("skillgap"))
    onet_download_url: Annotated[str, Field(pattern="^https?://.")] = "https://www.onetcenter.org/dl_files/database"
    onet_api_key: SecretStr | None = None
    """Key of O*NET Web Services 2.0."""
    onet_username: str | None = None
    onet_password: SecretStr | None = None
    """User name and password of O*NET Web Services 1.9, for accounts that have no key."""
    onet_api_url: Annotated[str, Field(pattern="^https?://.")] | None = None
    """Base URL of the Web Services; None means O*NET's own."""
    onet_requests_per_second: Annotated[float, Field(gt=0, le=1000)] = REQUESTS_PER_SECOND
    onet_wait_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    """That a request waits at most for what is fetched for it."""
    llm_model: str = "embedded:smollm2"
    """The model that `skillgap enrich` asks, and whose levels it shows."""
    llm_prompt: str = "levels-1"
    """Version of a generative model's prompt."""
    llm_api_key: SecretStr | None = None
    llm_base_url: Annotated[str, Field(pattern="^https?://.")] | None = None
    """Of a server that speaks OpenAI's language; None means the provider's own."""
    llm_concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    llm_requests_per_minute: Annotated[float, Field(gt=0)] = 60.0
    llm_most_tokens: Annotated[int, Field(ge=1)] | None = None
    """Of one run, in and out."""
    llm_most_invalid_replies: Annotated[int, Field(ge=1)] = 10
    """In a row, not counting first replies to a request, before a run stops."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    log_format: Literal["json", "console"] | None = None
    """None means JSON for `serve`, and for people what a command says itself."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    api_keys_file: Path | None = None
    """Names, hashes and rates of API keys, written by `skillgap new-key`; `check` reads the file."""
    anonymous_requests_per_minute: Annotated[int | None, Field(ge=0)] = None
    """Of one address without a key; None means any number, 0 that a key is needed."""
    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], *_Listed] = ()
    """Networks of proxies whose X-Forwarded-For is used."""
    cors_origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], *_Listed] = ()
    """Origins of pages that may read answers in a browser; `*` means all."""
    answer_cache_mb: Annotated[int, Field(ge=0)] = 256
    reload_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0

    @field_validator("onet_password")
    @classmethod
    def _goes_with_a_user_name(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if bool(password) != bool(info.data.get("onet_username")):
            raise ValueError("SKILLGAP_ONET_USERNAME and SKILLGAP_ONET_PASSWORD go together")
        return password

    @field_validator("*", mode="wrap")  # the last one, as it wraps those above
    @classmethod
    def _or_wrong(cls, value: Any, validate: Callable[[Any], Any], info: ValidationInfo) -> Any:
        try:
            return validate(value)
        except ValidationError as error:
            lines = tuple(_wrong(info.field_name or "", value, each["msg"]) for each in error.errors())
            return _Wrong(lines)
        except ValueError as error:
            return _Wrong((_wrong(info.field_name or "", value, str(error)),))

    def __getattribute__(self, name: str) -> Any:
        """Return a setting or method. Raises ConfigurationError where the setting is wrong."""
        value = super().__getattribute__(name)
        if isinstance(value, _Wrong):
            raise _cannot_work(value.lines)
        return value

    def check(self, *names: str) -> None:
        """Raise ConfigurationError with every wrong setting of these; without names, of all, the file of keys read."""
        values = vars(self)
        wrong = [value for name in names or values if isinstance(value := values[name], _Wrong)]
        lines = [line for value in wrong for line in value.lines]
        if not names and isinstance(file := values["api_keys_file"], Path):
            try:
                read_keys(file)
            except ConfigurationError as error:
                lines.append(_wrong("api_keys_file", file, str(error)))
        if lines:
            raise _cannot_work(lines)

    @property
    def embedded_database(self) -> Path:
        """The file of the embedded database."""
        return user_data_path("skillgap") / "skillgap.db"

    @property
    def has_onet_credentials(self) -> bool:
        """Whether O*NET Web Services can be asked."""
        return bool(self.onet_api_key or (self.onet_username and self.onet_password))

    def onet_credentials(self) -> Credentials:
        """Return how to reach O*NET Web Services: API 2.0 with a key, else 1.9. Raises MissingCredentials."""
        self.check(*(name for name in type(self).model_fields if name.startswith("onet_")))
        if self.onet_api_key:
            return Credentials.with_key(self.onet_api_key.get_secret_value(), base_url=self.onet_api_url)
        if self.onet_username and self.onet_password:
            password = self.onet_password.get_secret_value()
            return Credentials.with_password(self.onet_username, password, base_url=self.onet_api_url)
        raise MissingCredentials(
            "O*NET Web Services need an account: set SKILLGAP_ONET_API_KEY (API 2.0), or SKILLGAP_ONET_USERNAME and "
            "SKILLGAP_ONET_PASSWORD (API 1.9); accounts are free, see https://services.onetcenter.org/"
        )

    def llm_arguments(self) -> dict[str, Any]:
        """Return how a language model is found and how hard it may be worked, as `llm.catalog.find_model` takes it."""
        self.check(*(name for name in type(self).model_fields if name.startswith("llm_")))
        return {
            "cache_dir": self.cache_dir,
            "prompt_version": self.llm_prompt,
            "base_url": self.llm_base_url,
            "api_key": self.llm_api_key.get_secret_value() if self.llm_api_key else None,
            "concurrency": self.llm_concurrency,
            "requests_per_minute": self.llm_requests_per_minute,
            "most_tokens": self.llm_most_tokens,
            "most_invalid_replies": self.llm_most_invalid_replies,
        }

    @property
    def url(self) -> str:
        """The database's URL, password included: for `make_engine` only."""
        if self.database_url is None:
            return f"sqlite:///{self.embedded_database}"
        from skillgap.store.engine import parse_url

        url = parse_url(self.database_url.get_secret_value())
        if self.database_password and url.password is None:
            url = url.set(password=self.database_password.get_secret_value())
        return url.render_as_string(hide_password=False)


def read_settings(**chosen: Any) -> Settings:
    """Return the settings of the environment and the files of SECRETS, but for those chosen otherwise.

    A wrong one raises ConfigurationError when it is used, or by `Settings.check`.
    """
    return Settings(_secrets_dir=SECRETS if SECRETS.is_dir() else None, **chosen)  # type: ignore[call-arg]


def unknown_variables() -> dict[str, str | None]:
    """Return variables that look like settings and are none, each with the setting that may be meant."""
    known = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields]
    found = [name for name in os.environ if name.startswith(_PREFIX) and not name.startswith(_OTHERS)]
    return {name: next(iter(get_close_matches(name, known, 1)), None) for name in found if name not in known}


def _cannot_work(lines: Iterable[str]) -> ConfigurationError:
    return ConfigurationError("\n".join(("settings that cannot work:", *(f"  {line}" for line in lines))))


def _wrong(name: str, given: object, reason: str) -> str:
    is_secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    value = masked_url(str(given)) if name.endswith("_url") else str(given)
    shown = "" if is_secret or given is None else f"={value!r}"
    return f"{_PREFIX}{name.upper()}{shown}: {reason.removeprefix('Value error, ')}"
