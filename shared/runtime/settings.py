"""Settings that every service has. Read once at the door; nothing else reads the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """From variables `VISAVIS_<NAME>`; a wrong one ends the process with a sentence."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_", frozen=True, extra="ignore")

    nats_url: str = Field("nats://127.0.0.1:4222", description="Where the NATS server is.")
    lane: str = Field("local", pattern=r"^[a-z0-9-]{1,32}$", description="The lane this process belongs to.")
    worker: str = Field(
        "1", pattern=r"^[a-z0-9-]{1,32}$", description="This process's name within its service and lane."
    )
    var: Path = Field(Path("var"), description="Folder for work files, logs and the default object store.")
    store_url: str = Field(
        "", description="The object store: file:///..., s3://..., gs://..., az://...; empty: <var>/objects."
    )
    context: SecretStr = Field(
        SecretStr(""),
        description="Where the past of sessions is kept: redis://..., rediss://...; empty: NATS, of functions nowhere.",
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Lowest level that is logged.")
    ready_fd: int = Field(-1, ge=-1, description="File descriptor to write one line of JSON to when ready; -1: none.")
    die_with_parent: bool = Field(False, description="End when the process that started this one is gone.")
    otlp_endpoint: str = Field(
        "",
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="An OpenTelemetry collector (OTLP over HTTP); empty: the gateway keeps the last traces.",
    )
    metrics_port: int = Field(0, ge=0, le=65535, description="Port for Prometheus on loopback; 0: none.")

    @property
    def store(self) -> str:
        """The object store's URL."""
        return self.store_url or (self.var.resolve() / "objects").as_uri()

    @property
    def work(self) -> Path:
        """Folder for files that live as long as the work on them."""
        return self.var / "work"
