"""Settings, read once from the environment (`SKILLGAP_…`); inner code is given an engine, not settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from skillgap.errors import ConfigurationError


class Settings(BaseSettings):
    """Every setting with its default; `env/env.env` lists them with their meaning."""

    model_config = SettingsConfigDict(env_prefix="SKILLGAP_", env_ignore_empty=True, frozen=True)

    database_url: SecretStr | None = None
    """Where the data live; None means the embedded SQLite database. Secret, as it may hold a password."""
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("skillgap"))
    onet_download_url: str = "https://www.onetcenter.org/dl_files/database"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    answer_cache_mb: Annotated[int, Field(ge=0)] = 128
    reload_seconds: Annotated[float, Field(gt=0, le=3600)] = 2.0

    @property
    def embedded_database(self) -> Path:
        """The file of the embedded database."""
        return user_data_path("skillgap") / "skillgap.db"

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
