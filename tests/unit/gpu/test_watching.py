"""A profile sees what it should: with a CUPTI that is none, and, on a card, with the real one."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Misconfigured
from tests.children import child
from tests.cuda.devices import MISSING
from tests.cuda.emulated import WHY_NOT
from tests.cuda.traced import CARD, DTOH, PINNED, FakeCupti, NotedTracedCard, build_fake
from tests.gpu.copies import ON_CARD, TO_HOST, Copy, explained, unseen
from tests.gpu.noting import NotedCard
from tests.gpu.recorder import CuptiRecorder, build, library
from tests.gpu.watching import Profiling, tried
from tests.unit.gpu.copier import PLANE, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.children import Child
    from tests.gpu.copies import Account

PLANE_BYTES = PLANE[0] * PLANE[1]


def emulated(folder: Path) -> tuple[Profiling, Path | None]:
    fake = build_fake(folder)
    recorder = partial(CuptiRecorder, build(folder), str(fake))
    return Profiling(recorder, partial(NotedTracedCard, fake)), fake


def real(folder: Path) -> tuple[Profiling, Path | None]:
    try:
        return Profiling(partial(CuptiRecorder, build(folder), library()), NotedCard), None
    except Misconfigured as error:
        pytest.skip(str(error))


@pytest.fixture(
    params=[
        pytest.param(emulated, id="emulated", marks=pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)),
        pytest.param(real, id="card", marks=[pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING)]),
    ]
)
def copier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Child]:
    profiling, fake = request.param(tmp_path)
    with child(serve, profiling, fake) as one:
        assert one.hear() == "ready"
        yield one


def between(account: Account) -> list[tuple[str, int, int, bool]]:
    assert not account.blind
    assert unseen(account) == 0
    return [(line.way, line.size_bytes, line.times, line.are_pixels) for line in explained(account)]


def test_a_process_that_only_computes_has_copied_nothing_between_host_and_card(copier: Child) -> None:
    copier.ask("begin")
    copier.ask("compute")
    account = copier.ask("end")
    assert between(account) == []
    on_card = sum(count for copy, count in account.seen.items() if copy.way == ON_CARD)
    assert on_card == 4, "what stays on the card is seen, too"


@pytest.mark.parametrize("how", ["fetch", "fetch_by_library"])
def test_a_plane_that_comes_to_the_host_is_caught(copier: Child, how: str) -> None:
    copier.ask("begin")
    copier.ask("compute")
    copier.ask(how)
    copier.ask(how)
    assert between(copier.ask("end")) == [(TO_HOST, PLANE_BYTES, 2, True)]


def test_a_plane_that_comes_by_a_graph_is_caught_each_time(copier: Child) -> None:
    copier.ask("begin")
    is_recorded = copier.ask("fetch_by_graph")
    account = copier.ask("end")
    # While it is recorded it is asked for, and does not happen.
    assert [(copy.way, copy.size_bytes, times) for copy, times in account.seen.items()] == [(TO_HOST, PLANE_BYTES, 1)]
    assert account.sees_graphs == is_recorded


def test_what_was_copied_before_it_begins_does_not_count(copier: Child) -> None:
    copier.ask("fetch")
    copier.ask("begin")
    assert between(copier.ask("end")) == []
    copier.ask("fetch")
    copier.ask("begin")
    copier.ask("fetch")
    assert between(copier.ask("end")) == [(TO_HOST, PLANE_BYTES, 1, True)]


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_whether_copies_are_seen_is_tried_in_another_process(tmp_path: Path) -> None:
    profiling, fake = emulated(tmp_path)
    assert fake is not None
    tried(profiling)
    recorder = CuptiRecorder(build(tmp_path), str(fake))
    FakeCupti(fake).copy(DTOH, (CARD, PINNED), 3)
    seen = Copy(DTOH, CARD, PINNED, is_async=True, size_bytes=3)
    assert recorder.taken() == ({seen: 1}, 0), "it is begun here, and what the trial copied is not here"


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_a_profile_that_fails_or_sees_nothing_is_told_before_it_is_begun(tmp_path: Path) -> None:
    profiling, _ = emulated(tmp_path)
    built = build(tmp_path)
    with pytest.raises(Misconfigured, match=r"cannot be tried .* does not record"):
        tried(profiling._replace(recorder=partial(CuptiRecorder, built, str(built))))
    with pytest.raises(Misconfigured, match=r"cannot be tried .* has ended before its time \(exit code 3\)"):
        tried(profiling._replace(recorder=partial(os._exit, 3)))
    (tmp_path / "other").mkdir()
    blind = partial(NotedTracedCard, build_fake(tmp_path / "other"))
    with pytest.raises(Misconfigured, match=r"^Copies are not seen\. It saw 0 of 3 copies"):
        tried(profiling._replace(device=blind))
