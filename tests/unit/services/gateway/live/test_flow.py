"""What the lane is told of whether frames are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.live.flow import LiveFlow
from shared.model.live import FlowChanged, KeyFrameWanted


class Link:
    def __init__(self) -> None:
        self.said: list[Any] = []

    async def say(self, message: Any) -> None:
        self.said.append(message)


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def flow(link: Link) -> LiveFlow:
    return LiveFlow(link)  # type: ignore[arg-type]


async def test_only_changes_are_told(flow: LiveFlow, link: Link) -> None:
    await flow.follow(held=False, broken=False)
    await flow.pause(paused=False)
    assert not link.said
    await flow.follow(held=True, broken=False)
    await flow.follow(held=True, broken=False)
    assert link.said == [FlowChanged(paused=False, held=True)]


async def test_being_paused_and_being_held_are_told_together(flow: LiveFlow, link: Link) -> None:
    await flow.pause(paused=True)
    await flow.follow(held=True, broken=False)
    assert link.said[-1] == FlowChanged(paused=True, held=True)
    assert flow.paused


async def test_one_key_frame_is_wanted_for_each_break(flow: LiveFlow, link: Link) -> None:
    for broken in (True, True, False, True):
        await flow.follow(held=False, broken=broken)
    assert link.said == [KeyFrameWanted()] * 2
