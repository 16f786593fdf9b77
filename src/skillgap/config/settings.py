"""Settings by group, read from the environment (`SKILLGAP_…`) and from secret files at the edges."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from ipaddress import IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from platformdirs import user_cache_path, user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from skillgap.config.api_keys import read_keys
from skillgap.errors import ConfigurationError, MissingCredentials
from skillgap.sources.web_services.credentials import REQUESTS_PER_SECOND, Credentials
from skillgap.urls import masked_url

SECRETS = Path("/run/secrets")
"""Folder of container secrets: the file `skillgap_database_password` sets SKILLGAP_DATABASE_PASSWORD."""
_PREFIX = "SKILLGAP_"
_TEST_PREFIXES = ("SKILLGAP_TEST_", "SKILLGAP_REQUIRE_")


# -- validators -------------------------------------------------------------------------------------------------------


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_database_url(url: SecretStr | None) -> SecretStr | None:
    from skillgap.store.engine import parse_url  # lazy: SQLAlchemy is slow to import

    if url is not None:
        try:
            parse_url(url.get_secret_value())
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
    return url


def _network(text: str) -> str:
    """Return an address or network in CIDR form; an IPv4-mapped IPv6 network becomes IPv4, as in proxy headers."""
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
        raise ValueError(f"{text!r} is not an origin; write it like https://example.org, or * for all")
    return text


def _http_url(text: str) -> str:
    if not re.match("https?://.", text):
        raise ValueError("not an HTTP URL; it must begin with http:// or https://")
    return text


_HttpUrl = Annotated[str, AfterValidator(_http_url)]
_CommaSeparated = (NoDecode, BeforeValidator(_split))


class InvalidSettings(ConfigurationError):
    """Settings have values that cannot be used; `lines` holds one line for each, without secrets."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(("invalid settings:", *(f"  {line}" for line in lines))))


# -- groups -----------------------------------------------------------------------------------------------------------


class _Group(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, frozen=True)

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the environment variable of each field."""
        return {name: f"{cls.model_config['env_prefix']}{name}".upper() for name in cls.model_fields}


class DatabaseSettings(_Group, env_prefix="SKILLGAP_DATABASE_"):
    """Where the data are stored."""

    url: Annotated[SecretStr | None, AfterValidator(_check_database_url)] = None
    """None means the embedded SQLite database. Secret, as it may contain a password."""
    password: SecretStr | None = None
    """Password for a URL without one; preferably a file in SECRETS."""

    @property
    def embedded_file(self) -> Path:
        """File of the embedded database."""
        return user_data_path("skillgap") / "skillgap.db"

    @property
    def full_url(self) -> str:
        """URL for `make_engine` only: it contains the password."""
        if self.url is None:
            return f"sqlite:///{self.embedded_file}"
        from skillgap.store.engine import parse_url

        url = parse_url(self.url.get_secret_value())
        if self.password and url.password is None:
            url = url.set(password=self.password.get_secret_value())
        return url.render_as_string(hide_password=False)


class DataSettings(_Group):
    """The O*NET release to load, and the folder for cached files."""

    release: str | None = None
    """What `skillgap load` loads by default; None means the starter if the database is empty."""
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("skillgap"))


class DownloadSettings(_Group, env_prefix="SKILLGAP_ONET_DOWNLOAD_"):
    """Where releases are downloaded from. A separate group, because most loads need no download."""

    url: _HttpUrl = "https://www.onetcenter.org/dl_files/database"


class OnetSettings(_Group, env_prefix="SKILLGAP_ONET_"):
    """Access to O*NET Web Services."""

    api_key: SecretStr | None = None
    """Key for API 2.0."""
    username: str | None = None
    password: SecretStr | None = None
    """User name and password for API 1.9, for accounts without a key."""
    api_url: _HttpUrl | None = None
    """Base URL; None means O*NET's own."""
    requests_per_second: Annotated[float, Field(gt=0, le=1000)] = REQUESTS_PER_SECOND
    wait_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    """Longest time that a request to the HTTP API waits for ratings fetched on demand."""

    @field_validator("password")
    @classmethod
    def _requires_username(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if bool(password) != bool(info.data.get("username")):
            raise ValueError("set SKILLGAP_ONET_USERNAME and SKILLGAP_ONET_PASSWORD together")
        return password

    @property
    def has_credentials(self) -> bool:
        """Whether a key, or a user name and password, are set."""
        return bool(self.api_key or (self.username and self.password))

    def credentials(self) -> Credentials:
        """Return the credentials for API 2.0 if a key is set, else for 1.9. Raises MissingCredentials."""
        if self.api_key:
            return Credentials.with_key(self.api_key.get_secret_value(), base_url=self.api_url)
        if self.username and self.password:
            return Credentials.with_password(self.username, self.password.get_secret_value(), base_url=self.api_url)
        raise MissingCredentials(
            "O*NET Web Services require an account: set SKILLGAP_ONET_API_KEY (API 2.0), or SKILLGAP_ONET_USERNAME and "
            "SKILLGAP_ONET_PASSWORD (API 1.9); accounts are free, see https://services.onetcenter.org/"
        )


class LlmSettings(_Group, env_prefix="SKILLGAP_LLM_"):
    """The language model that predicts levels."""

    model: str = "embedded:smollm2"
    """The model that `skillgap enrich` uses and whose levels are shown."""
    prompt: str = "levels-1"
    """Prompt version for a generative model."""
    api_key: SecretStr | None = None
    base_url: _HttpUrl | None = None
    """Base URL of an OpenAI-compatible server; None means the provider's own."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    requests_per_minute: Annotated[float, Field(gt=0)] = 60.0
    most_tokens: Annotated[int, Field(ge=1)] | None = None
    """Input and output tokens allowed in one run."""
    most_invalid_replies: Annotated[int, Field(ge=1)] = 10
    """Consecutive invalid replies, first replies to a request excluded, that stop a run."""

    def profiler_arguments(self, *, cache_dir: Path) -> dict[str, Any]:
        """Return the arguments of `llm.catalog.find_model`."""
        return {
            "cache_dir": cache_dir,
            "prompt_version": self.prompt,
            "base_url": self.base_url,
            "api_key": self.api_key.get_secret_value() if self.api_key else None,
            "concurrency": self.concurrency,
            "requests_per_minute": self.requests_per_minute,
            "most_tokens": self.most_tokens,
            "most_invalid_replies": self.most_invalid_replies,
        }


class LogSettings(_Group, env_prefix="SKILLGAP_LOG_"):
    """The log on standard error."""

    format: Literal["json", "console"] | None = None
    """None means JSON for `serve` and plain messages for the other commands."""
    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"


class AccessSettings(_Group):
    """API keys and rate limits."""

    api_keys_file: Path | None = None
    """File of names, hashes and rate limits of API keys, written by `skillgap new-key`. Read by `Settings.check`."""
    anonymous_requests_per_minute: Annotated[int | None, Field(ge=0)] = None
    """Rate limit per address without a key; None means unlimited, 0 that a key is required."""


class ServerSettings(_Group):
    """The HTTP service."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], *_CommaSeparated] = ()
    """Networks of proxies whose X-Forwarded-For is used."""
    cors_origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], *_CommaSeparated] = ()
    """Origins of pages that may read answers in a browser; `*` means all."""
    answer_cache_mb: Annotated[int, Field(ge=0)] = 256
    reload_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0


# -- all groups -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """All settings; `env/env.env` documents them.

    Each group is read when it is first used, so a command fails only for a group that it uses. Reading a group raises
    ConfigurationError with all its invalid settings; `check` covers every group.
    """

    server_overrides: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def database(self) -> DatabaseSettings:
        """Where the data are stored."""
        return _read(DatabaseSettings)

    @cached_property
    def data(self) -> DataSettings:
        """The release to load, and the cache folder."""
        return _read(DataSettings)

    @cached_property
    def download(self) -> DownloadSettings:
        """Where releases are downloaded from."""
        return _read(DownloadSettings)

    @cached_property
    def onet(self) -> OnetSettings:
        """Access to O*NET Web Services."""
        return _read(OnetSettings)

    @cached_property
    def llm(self) -> LlmSettings:
        """The language model."""
        return _read(LlmSettings)

    @cached_property
    def log(self) -> LogSettings:
        """The log."""
        return _read(LogSettings)

    @cached_property
    def access(self) -> AccessSettings:
        """API keys and rate limits."""
        return _read(AccessSettings)

    @cached_property
    def server(self) -> ServerSettings:
        """The HTTP service."""
        return _read(ServerSettings, self.server_overrides)

    def check(self) -> None:
        """Read every group and the file of API keys. Raises ConfigurationError naming all invalid settings."""
        invalid: list[str] = []
        for name in GROUPS:
            try:
                getattr(self, name)
            except InvalidSettings as error:
                invalid += error.lines
        try:
            if file := self.access.api_keys_file:
                read_keys(file)
        except InvalidSettings:
            pass  # listed above
        except ConfigurationError as error:
            invalid.append(f"{_PREFIX}API_KEYS_FILE={str(file)!r}: {error}")
        if invalid:
            raise InvalidSettings(invalid)


GROUPS: dict[str, type[_Group]] = {
    "database": DatabaseSettings,
    "data": DataSettings,
    "download": DownloadSettings,
    "onet": OnetSettings,
    "llm": LlmSettings,
    "log": LogSettings,
    "access": AccessSettings,
    "server": ServerSettings,
}
"""The groups by their names in `Settings`."""


def read_settings(**server_overrides: Any) -> Settings:
    """Return the settings of the environment; keyword arguments replace fields of ServerSettings."""
    return Settings(server_overrides)


def default_values() -> dict[str, Any]:
    """Return the default of every setting by environment variable."""
    return {
        variable: group.model_fields[name].get_default(call_default_factory=True)
        for group in GROUPS.values()
        for name, variable in group.variables().items()
    }


def unknown_variables() -> dict[str, str | None]:
    """Return the environment variables that look like settings but are not, each with the closest setting, if any."""
    settings = list(default_values())
    unknown = [
        name
        for name in os.environ
        if name.startswith(_PREFIX) and not name.startswith(_TEST_PREFIXES) and name not in settings
    ]
    return {name: next(iter(get_close_matches(name, settings, 1)), None) for name in unknown}


_AnyGroup = TypeVar("_AnyGroup", bound=_Group)


def _read(group: type[_AnyGroup], overrides: Mapping[str, Any] | None = None) -> _AnyGroup:
    try:
        return group(_secrets_dir=SECRETS if SECRETS.is_dir() else None, **overrides or {})  # type: ignore[call-arg]
    except ValidationError as error:
        raise InvalidSettings([_line(group, details) for details in error.errors(include_url=False)]) from None


def _line(group: type[_Group], error: ErrorDetails) -> str:
    """Return the line for an invalid setting: its variable, its value unless secret, and the reason."""
    name, value = str(error["loc"][0]), error["input"]
    is_secret = "SecretStr" in str(group.model_fields[name].annotation)
    text = masked_url(str(value)) if name.endswith("url") else str(value)
    shown = "" if is_secret or value is None else f"={text!r}"
    return f"{group.variables()[name]}{shown}: {error['msg'].removeprefix('Value error, ')}"
