"""What the gateway is made of, wired by hand in `__main__` and handed to every route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.gateway.access import Access
from services.gateway.admission import Admission
from services.gateway.assets.desk import AssetDesk
from services.gateway.callbacks.desk import CallbackDesk
from services.gateway.jobs.desk import JobDesk
from services.gateway.jobs.removal import JobRemoval
from services.gateway.live.desk import LiveDesk
from services.gateway.settings import GatewaySettings
from services.gateway.stills import StillClient
from services.gateway.streams.desk import StreamDesk
from services.gateway.traces.shelf import TraceShelf
from shared.runtime.presence import Presence
from shared.runtime.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Parts:
    """One of each."""

    settings: GatewaySettings
    telemetry: Telemetry
    presence: Presence
    stills: StillClient
    jobs: JobDesk
    removal: JobRemoval
    traces: TraceShelf
    assets: AssetDesk
    callbacks: CallbackDesk
    admission: Admission
    live: LiveDesk
    streams: StreamDesk
    access: Access


async def _of_app(request: Request) -> Parts:
    """The app's parts. A coroutine, so that it costs no thread."""
    parts: Parts = request.app.state.parts
    return parts


FromApp = Annotated[Parts, Depends(_of_app)]
