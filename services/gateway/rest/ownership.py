"""Jobs and streams by the id in an address, for whoever has made them: to others they do not exist."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from services.gateway.parts import FromApp
from services.gateway.problems import Refusal
from services.gateway.scopes import FromCaller


async def _own_job(job: str, parts: FromApp, caller: FromCaller) -> str:
    """The id of a job of the caller's. Raises Refusal `not-found`, in the words of a job that there never was."""
    if caller.access is not None and not caller.sees(await parts.jobs.owner(job)):
        raise Refusal("not-found", "There is no job of that id.")
    return job


async def _own_stream(stream: str, parts: FromApp, caller: FromCaller) -> str:
    """The id of a fetched stream of the caller's. Raises Refusal `not-found`, as for one that there never was."""
    if caller.access is not None and await parts.streams.owner(stream) != caller.owner:
        raise Refusal("not-found", "There is no stream of that id.")
    return stream


OwnJob = Annotated[str, Depends(_own_job)]
OwnStream = Annotated[str, Depends(_own_stream)]
