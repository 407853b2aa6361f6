"""The REST interface as one ASGI app."""

from __future__ import annotations

from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from services.gateway import problems
from services.gateway.requests import AroundRequests
from services.gateway.rest import (
    assets,
    contract,
    images,
    jobs,
    looks,
    models,
    operations,
    sockets,
    stream_files,
    streams,
    trace_pages,
)  # fmt: skip

if TYPE_CHECKING:
    from services.gateway.parts import Parts

DESCRIPTION = """Finds every face in pictures and videos, places dense landmarks on it, and retouches it.

Every error is `application/problem+json` with a stable `code`. Answers about media have `X-Visavis-Trace-Id`.

A request with `X-Visavis-Trace: 1` has every frame traced, six a minute and key; the answer's `X-Visavis-Trace` is `1`
if it was granted and `0` if it has the usual trace. `/traces` shows traces as pages."""


def build(parts: Parts) -> FastAPI:
    """The app over its parts."""
    app = FastAPI(
        title="Visavis",
        version=version("visavis"),
        description=DESCRIPTION,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        },  # AroundRequests does it
    )
    app.state.parts = parts
    app.add_middleware(AroundRequests, telemetry=parts.telemetry)
    problems.install(app)
    for one in (images, jobs, looks, assets, models, operations, sockets, streams, stream_files, trace_pages):
        app.include_router(one.router)
    document = cache(partial(contract.openapi, app))
    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app
