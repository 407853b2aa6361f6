"""Where the function listens, of platforms that call it over HTTP."""

from __future__ import annotations

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.settings import read_settings


class HttpSettings(BaseSettings):
    """The names are those of the platforms."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = Field("0.0.0.0", validation_alias="VISAVIS_HOST", description="Address to listen on.")  # noqa: S104  -- in its container
    port: int = Field(
        8080,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("PORT", "FC_SERVER_PORT"),
        description="Port to listen on; PORT: Cloud Run and Knative, FC_SERVER_PORT: Function Compute.",
    )


def read_http_settings() -> HttpSettings:
    """From the environment. Raises Misconfigured."""
    return read_settings(HttpSettings)
