"""Settings, read once from the environment (`SKILLGAP_…`); inner code is given an engine, not settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from skillgap.errors import ConfigurationError, MissingCredentials
from skillgap.sources.access import REQUESTS_PER_SECOND, Access


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseSettings):
    """Every setting with its default; `env/env.env` lists them with their meaning."""

    model_config = SettingsConfigDict(env_prefix="SKILLGAP_", env_ignore_empty=True, frozen=True)

    database_url: SecretStr | None = None
    """Where the data live; None means the embedded SQLite database. Secret, as it may hold a password."""
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
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    log_format: Literal["json", "console"] = "json"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    answer_cache_mb: Annotated[int, Field(ge=0)] = 128
    reload_seconds: Annotated[float, Field(gt=0, le=3600)] = 2.0

    @property
    def embedded_database(self) -> Path:
        """The file of the embedded database."""
        return user_data_path("skillgap") / "skillgap.db"

    @property
    def has_onet_credentials(self) -> bool:
        """Whether O*NET Web Services can be asked."""
        return bool(self.onet_api_key or (self.onet_username and self.onet_password))

    def onet_access(self) -> Access:
        """Return how to reach O*NET Web Services: API 2.0 with a key, else 1.9. Raises MissingCredentials."""
        if self.onet_api_key:
            return Access.with_key(self.onet_api_key.get_secret_value(), base_url=self.onet_api_url)
        if self.onet_username and self.onet_password:
            password = self.onet_password.get_secret_value()
            return Access.with_password(self.onet_username, password, base_url=self.onet_api_url)
        raise MissingCredentials(
            "O*NET Web Services need an account: set SKILLGAP_ONET_API_KEY (API 2.0), or SKILLGAP_ONET_USERNAME and "
            "SKILLGAP_ONET_PASSWORD (API 1.9); accounts are free, see https://services.onetcenter.org/"
        )

    @property
    def url(self) -> str:
        """The database's URL, password included: for `make_engine` only."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.embedded_database}"


def read_settings(**chosen: Any) -> Settings:
    """Return the settings of the environment, but for those chosen otherwise.

    Raises ConfigurationError naming every variable that is wrong.
    """
    try:
        return Settings(**chosen)
    except ValidationError as error:
        wrong = "\n".join(
            f"  SKILLGAP_{'_'.join(map(str, each['loc'])).upper()}={each['input']!r}: {each['msg']}"
            for each in error.errors()
        )
        raise ConfigurationError(f"settings that cannot work:\n{wrong}") from None
