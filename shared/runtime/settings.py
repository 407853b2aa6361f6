"""Settings that every service has. Read once at the door; nothing else reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.model.errors import Misconfigured
from shared.model.variables import PREFIX
from shared.transport.nats_access import NatsAccess

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_CUDA = frozenset({
    "CUDA_CACHE_PATH", "CUDA_DEVICE_ORDER", "CUDA_HOME", "CUDA_MPS_LOG_DIRECTORY", "CUDA_MPS_PIPE_DIRECTORY",
    "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "CUPY_CACHE_DIR", "HOME", "LD_LIBRARY_PATH", "PATH",
})  # fmt: skip


def card_environment() -> dict[str, str]:
    """What of the environment says where CUDA and its cards are: all that a process needs which shall know no more."""
    return {name: value for name, value in os.environ.items() if name in _OF_CUDA}


S = TypeVar("S", bound=BaseSettings)

_SHOWN_SIGNS = 80
"""So much of a wrong value is shown."""


def read_settings(kind: type[S], **instead: Any) -> S:
    """Settings from the environment. instead: by name, takes the place of what stands there.

    Raises Misconfigured, which names each wrong variable with its value; of secrets and URLs, the variable alone.
    """
    try:
        return kind(**instead)
    except ValidationError as error:
        raise Misconfigured("; ".join(_wrong(kind, one) for one in error.errors())) from None


def wrong_variables(kind: type[BaseSettings]) -> list[str]:
    """What `read_settings` would refuse, a sentence for each variable; empty: nothing."""
    try:
        kind()
    except ValidationError as error:
        return [_wrong(kind, one) for one in error.errors()]
    return []


def _wrong(kind: type[BaseSettings], error: Mapping[str, Any]) -> str:
    """`VISAVIS_DETECT_EVERY=0: Input should be greater than or equal to 1`"""
    named = str(error["loc"][0])  # by its field, or by the variable where that has a name of its own
    field = kind.model_fields.get(named)
    variable = named if field is None else f"{kind.model_config.get('env_prefix', '')}{named}".upper()
    is_hidden = field is not None and (field.annotation is SecretStr or named.endswith("url"))
    value = "" if is_hidden else f"={str(error['input'])[:_SHOWN_SIGNS]}"
    return f"{variable}{value}: {error['msg']}"


END_SECONDS = 8.0
"""What letting go of everything may take."""


class ServiceSettings(BaseSettings):
    """From variables `VISAVIS_<NAME>`; a wrong one ends the process with a sentence."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    nats_url: str = Field(
        "nats://127.0.0.1:4222", description="Where the NATS servers are: nats:// or tls://, of a cluster by comma."
    )
    nats_user: str = Field("", description="Who we are for NATS; empty: nobody, or whom the URL names.")
    nats_password: SecretStr = Field(SecretStr(""), description="The password of that user.")
    nats_ca: Path | None = Field(
        None, description="File (PEM) of who may vouch for the servers of NATS; unset: those that the system trusts."
    )
    nats_certificate: Path | None = Field(None, description="Our certificate (PEM), where NATS asks for one.")
    nats_key: Path | None = Field(None, description="The key of that certificate (PEM).")
    nats_replicas: int = Field(
        0,
        ge=0,
        le=5,
        description="Servers of NATS that keep each stream; 0: as many as keep it already, and of a new one three in a "
        "cluster, else one.",
    )
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
    otlp_metrics_endpoint: str = Field(
        "",
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="An OpenTelemetry collector (OTLP over HTTP) that gets the metrics too; empty: none.",
    )
    otlp_metrics: bool = Field(default=True, description="Whether metrics go to the collector, where one is named.")

    @property
    def nats(self) -> NatsAccess:
        """How NATS is come to."""
        password = self.nats_password.get_secret_value()
        files = self.nats_ca, self.nats_certificate, self.nats_key
        return NatsAccess(self.nats_url, self.nats_user, password, *files, replicas=self.nats_replicas)

    @property
    def grace_seconds(self) -> float:
        """Told to end, it goes on with what it has begun for so long."""
        return 0.0

    @property
    def end_seconds(self) -> float:
        """After its grace it has so long to let go of everything; then it is ended."""
        return END_SECONDS

    @property
    def store(self) -> str:
        """The object store's URL."""
        return self.store_url or (self.var.resolve() / "objects").as_uri()

    @property
    def work(self) -> Path:
        """Folder for files that live as long as the work on them."""
        return self.var / "work"


class LaneSettings(ServiceSettings):
    """What the services of a lane have besides."""

    metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address that /metrics, /livez and /readyz are served on."
    )
    metrics_port: int = Field(
        0, ge=-1, le=65535, description="Port of them; 0: none; -1: a free one, which is said when it is ready."
    )

    card: str = Field(
        "auto",
        pattern="^(auto|none|[0-9]{1,3})$",
        description="The NVIDIA card of this lane, by CUDA's number, from 0; auto: the first, if there is one; none: "
        "frames stay in the host's memory.",
    )
    drain_seconds: float = Field(
        0,
        ge=0,
        le=3600,
        description="Told to end, a lane takes nothing new and has so long for what it has begun; live streams are "
        "told to go on elsewhere, and what is left of jobs is handed back; 0: at once.",
    )

    @property
    def grace_seconds(self) -> float:
        """`drain_seconds`."""
        return self.drain_seconds

    @property
    def card_number(self) -> int | None:
        """Which card to use; None for none."""
        return None if self.card == "none" else 0 if self.card == "auto" else int(self.card)
