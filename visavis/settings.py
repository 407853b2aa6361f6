"""Settings of the command line, from `VISAVIS_<NAME>` variables."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class LocalSettings(BaseSettings):
    """What commands take when no option says otherwise."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_", frozen=True, extra="ignore", env_ignore_empty=True)

    models: Path = Field(Path("~/.cache/visavis/models"), description="Folder of the prepared models.")
    effects: Path | None = Field(None, description="Folder whose Python files are effects of your own; empty: none.")
    context: SecretStr = Field(
        SecretStr(""), description="Where the past of live sessions is kept: redis://..., rediss://...; empty: NATS."
    )
    card: str = Field(
        "auto",
        pattern="^(auto|none|[0-9]{1,3})$",
        description="The NVIDIA card of the lane, by number; auto: the first, of several lanes one each; none: none.",
    )
    store_url: str = Field("", description="The object store of a deployment; empty: <var>/objects.")
    lane_cores: float = Field(0, ge=0, description="Cores that each lane may use; 0: an equal share.")
    key: SecretStr = Field(SecretStr(""), description="The API key that a running service is sent; empty: none.")
    otlp_endpoint: str = Field(
        "",
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="An OpenTelemetry collector, which gets the traces; empty: the gateway keeps the last ones.",
    )


def right_settings() -> LocalSettings:
    """The settings with defaults where a variable is wrong: for words and their help, and for who says what is wrong.

    `read_settings` of `shared.runtime` refuses those.
    """
    try:
        return LocalSettings()
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors()}
        defaults = {name: field.default for name, field in LocalSettings.model_fields.items() if name in wrong}
        return LocalSettings(**defaults)


def variables_there_are() -> list[str]:
    """The names of all variables of the environment."""
    return list(os.environ)
