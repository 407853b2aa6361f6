"""Settings of the gateway."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from services.gateway.callbacks.rules import CallbackRules
from shared.runtime.settings import END_SECONDS, ServiceSettings

MIB = 1 << 20
_PROXIES = r"^(\*|[0-9A-Fa-f.:/, ]*)$"


class GatewaySettings(ServiceSettings):
    """`VISAVIS_<NAME>` variables of the gateway."""

    rest_host: str = Field("127.0.0.1", min_length=1, description="Address that REST listens on; loopback by default.")
    rest_port: int = Field(0, ge=0, le=65535, description="Port of REST; 0: a free one.")
    grpc_host: str = Field("127.0.0.1", min_length=1, description="Address that gRPC listens on; loopback by default.")
    grpc_port: int = Field(0, ge=0, le=65535, description="Port of gRPC; 0: a free one.")
    trusted_proxies: str = Field(
        "127.0.0.1",
        pattern=_PROXIES,
        description="Addresses and networks of proxies, by comma, that are believed whether a request came to them by "
        "HTTPS (`X-Forwarded-Proto`); `*`: whoever connects; empty: nobody.",
    )
    keys: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Whether requests need an API key. auto: unless REST and gRPC listen on loopback addresses only; "
        "behind a proxy on the same machine say `always`.",
    )
    key_seconds: float = Field(
        5, ge=0.1, le=60, description="A key that was revoked is taken for so long, at most; its live streams end then."
    )
    max_upload_bytes: int = Field(2048 * MIB, ge=1, le=1 << 44, description="Largest upload of a job, bytes.")
    max_image_bytes: int = Field(32 * MIB, ge=1, le=512 * MIB, description="Largest upload of a picture, bytes.")
    max_asset_bytes: int = Field(16 * MIB, ge=1, le=1 << 30, description="Largest upload of an asset, bytes.")
    asset_deadline_seconds: float = Field(
        30, ge=1, le=600, description="An uploaded asset is prepared in so many seconds, or 503."
    )
    max_reply_bytes: int = Field(256 * MIB, ge=MIB, le=2047 * MIB, description="Largest gRPC answer, bytes.")
    max_stills: int = Field(32, ge=1, le=4096, description="Pictures that are under way at a time.")
    still_deadline_seconds: float = Field(
        30, ge=1, le=600, description="The answer to a picture comes in so many seconds, or 504."
    )
    max_live: int = Field(64, ge=1, le=4096, description="Live streams that are under way at a time.")
    max_live_packet_bytes: int = Field(
        32 * MIB, ge=1, le=512 * MIB, description="Largest packet of a live stream, bytes; one of raw 4K RGB has 25 MB."
    )
    live_idle_seconds: float = Field(
        60,
        ge=0.1,
        le=86_400,
        description="A live stream on which nothing comes, or nothing is taken, ends after so long.",
    )
    live_paused_seconds: float = Field(
        600, ge=0.1, le=86_400, description="A live stream that is paused ends after so long without a word."
    )
    max_connection_calls: int = Field(
        128, ge=1, le=65_536, description="Calls at a time on one gRPC connection; more wait at the client."
    )
    web_origins: str = Field(
        "",
        description="Origins (`https://example.org`) by comma whose pages may open WebSockets; `*`: any; empty: those "
        "of the gateway's own host. Clients that are no browsers name none, and may.",
    )
    upload_stall_seconds: float = Field(
        30, ge=1, le=3600, description="An upload that brings nothing for so long is given up."
    )
    callback_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs calls back: `whsec_` and the base64 of 24 to 64 bytes; two by a space while one replaces "
        "the other; empty: nobody is called back.",
    )
    callback_networks: str = Field(
        "", description="Networks that are not public and may be called back, by comma; empty: none."
    )
    callback_retry_seconds: float = Field(
        5, ge=0.01, le=3600, description="A call back that failed is tried again after so long, then ever later."
    )
    callback_patience_seconds: float = Field(
        15, ge=0.1, le=300, description="Who is called back has so long to answer."
    )
    keep_alive_seconds: float = Field(
        10, ge=0.1, le=300, description="Server-sent events: a comment after so long without one."
    )
    keep_hours: float = Field(
        24,
        ge=0,
        le=87_600,
        description="Jobs, HLS and recordings are removed so long after they were written last; 0 keeps them.",
    )
    sweep_seconds: float = Field(
        300, ge=0.5, le=86_400, description="What has outlived its time is looked for so often."
    )
    stop_seconds: int = Field(2, ge=1, le=600, description="When stopped, requests get so long to end.")
    trace_count: int = Field(200, ge=1, le=100_000, description="So many traces are kept, the newest.")
    trace_spans: int = Field(50_000, ge=100, le=10_000_000, description="So many spans are kept, over all traces.")

    @property
    def end_seconds(self) -> float:
        """Requests end within `stop_seconds` of it."""
        return self.stop_seconds + 0.75 * END_SECONDS

    @property
    def keep_seconds(self) -> float:
        """`keep_hours` in seconds."""
        return self.keep_hours * 3600

    @property
    def callbacks(self) -> CallbackRules:
        """Who may be called back. Raises Misconfigured."""
        secret, networks = self.callback_secret.get_secret_value(), self.callback_networks
        return CallbackRules.read(secret, networks, self.callback_retry_seconds, self.callback_patience_seconds)
