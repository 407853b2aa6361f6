"""Others' effects on pictures: bounded, in order, and harmless when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.moment import Moment
from services.render.own.effects import OwnEffects
from services.render.own.painting import OwnPainter, Performance
from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.looks import Look
from shared.model.pictures import Picture, PixelFormat
from visavis.effects import FaceView, effect

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURES = {
    "i420": {},
    "i420 odd": {"width": 361, "height": 379},
    "rgb24": {"layout": PixelFormat.RGB24, "width": 361, "height": 379},
}


@effect("Reddens one pixel in the middle.")
def dot(face: FaceView) -> None:
    x, y = face.parts["nose-tip"][0].astype(int)
    face.rgb[y, x] = (255, 0, 0)


@effect("Fails halfway.")
def stumble(face: FaceView) -> None:
    face.rgb[:] = 0
    raise RuntimeError("oh")


@effect("Does nothing.")
def rest(face: FaceView) -> None: ...


def drawn(scene: Any, effects: OwnEffects, look: Look, tell: Callable[[Performance], None] = lambda _: None) -> Picture:
    target: Picture = scene.copy()
    Painter(own=OwnPainter(effects, tell)).draw(target, scene.faces, look, Moment(1.5))
    return target


def changed(one: Picture, other: Picture) -> list[int]:
    return [int((a != b).sum()) for a, b in zip(one.planes, other.planes, strict=True)]


@pytest.mark.parametrize("kind", PICTURES)
def test_an_effect_changes_the_pixels_that_it_draws_and_not_one_more(kind: str, studio: Any, owned: Any) -> None:
    scene = studio.scene(**PICTURES[kind])
    target = drawn(scene, owned(dot), Look(own={"dot": {}}))
    x, y = scene.faces[0].landmarks_px[4, :2].astype(int)
    differ = (target.planes[0] != scene.picture.planes[0]).reshape(*target.planes[0].shape[:2], -1).any(-1)
    assert np.argwhere(differ).tolist() == [[y, x]]
    for before, after in zip(scene.picture.planes[1:], target.planes[1:], strict=True):
        assert np.argwhere(before != after).tolist() == [[y // 2, x // 2]]


@pytest.mark.parametrize("kind", PICTURES)
def test_what_an_effect_leaves_alone_stays_bit_by_bit(kind: str, studio: Any, owned: Any, paint: Any) -> None:
    scene = studio.scene(**PICTURES[kind])
    for effects, look in (
        (owned(rest), Look(own={"rest": {}})),
        (owned(paint), Look(own={"paint": {"amount": 0.0}})),
    ):
        assert not any(changed(drawn(scene, effects, look), scene.picture))


@pytest.mark.parametrize("kind", PICTURES)
def test_more_of_it_is_more_change(kind: str, studio: Any, owned: Any, paint: Any) -> None:
    scene = studio.scene(**PICTURES[kind])
    changes = [
        sum(
            float(np.abs(a.astype(int) - b).sum())
            for a, b in zip(drawn(scene, owned(paint), look).planes, scene.picture.planes, strict=True)
        )
        for look in (Look(own={"paint": {"amount": amount}}) for amount in (0.1, 0.5, 1.0))
    ]
    assert 0 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("kind", PICTURES)
def test_an_effect_that_fails_leaves_the_frame_to_the_others(kind: str, studio: Any, owned: Any) -> None:
    scene, told = studio.scene(**PICTURES[kind]), list[Performance]()
    effects = owned(stumble, dot)
    target = drawn(scene, effects, Look(own={"stumble": {}, "dot": {}}), told.append)
    assert not any(changed(target, drawn(scene, effects, Look(own={"dot": {}}))))
    assert [(one.effect, bool(one.fault)) for one in told] == [("stumble", True), ("dot", False)]
    assert "RuntimeError: oh" in told[0].fault


def test_effects_are_drawn_after_skin_and_in_the_order_of_the_look(studio: Any, owned: Any) -> None:
    seen: list[tuple[str, int]] = []

    def watching(name: str) -> Any:
        def draw(face: FaceView) -> None:
            x, y = face.landmarks[50, :2].astype(int)
            seen.append((name, int(face.rgb[y, x, 0])))
            face.rgb[y, x, 0] = len(seen)

        draw.__name__ = name
        return effect("Watches.")(draw)

    scene = studio.scene(layout=PixelFormat.RGB24)
    effects = owned(watching("one"), watching("two"))
    drawn(scene, effects, Look(own={"two": {}, "one": {}}))
    plain = seen[0][1]
    assert seen == [("two", plain), ("one", 1)]
    drawn(scene, effects, Look(whiten=1, own={"two": {}}))
    assert seen[2][1] > plain + 3


def test_nothing_beyond_the_region_changes_whatever_an_effect_keeps(studio: Any, owned: Any) -> None:
    kept: list[np.ndarray] = []

    @effect("Keeps what it got.")
    def hoard(face: FaceView) -> None:
        kept.append(face.rgb)
        for old in kept:
            old[:] = 0

    scene = studio.scene(900, 900, PixelFormat.RGB24)
    target = drawn(scene, owned(hoard), Look(own={"hoard": {}}))
    black = np.argwhere((target.planes[0] == 0).all(-1))
    (y0, x0), (y1, x1) = black.min(0), black.max(0)
    assert (y1 - y0 + 1, x1 - x0 + 1) == kept[0].shape[:2] < (900, 900)
    before = target.planes[0].copy()
    kept[0][:] = 77
    assert np.array_equal(before, target.planes[0])


@pytest.mark.parametrize("place", [(0, 0), (359, 379), (-90, 190), (5000, 5000)])
def test_a_face_that_the_edge_cuts_is_drawn_as_far_as_it_is_there(
    place: tuple[float, float], studio: Any, owned: Any, paint: Any
) -> None:
    scene, told = studio.scene(361, 379), list[Performance]()
    target = scene.copy()
    painter = Painter(own=OwnPainter(owned(paint), told.append))
    painter.draw(target, [studio.face(*place)], Look(own={"paint": {"amount": 1.0}}))
    assert all(not one.fault for one in told)


def test_the_moment_is_the_frames(studio: Any, owned: Any) -> None:
    seconds: list[float] = []

    @effect("Tells the time.")
    def clock(face: FaceView) -> None:
        seconds.append(face.seconds)

    drawn(studio.scene(), owned(clock), Look(own={"clock": {}}))
    assert seconds == [1.5]


def test_a_look_that_names_what_is_not_here_is_refused_before_anything_is_drawn(studio: Any, owned: Any) -> None:
    scene = studio.scene()
    with pytest.raises(Rejected, match="glow"):
        drawn(scene, owned(dot), Look(whiten=1, own={"glow": {}}))
    with pytest.raises(Rejected, match="dot cannot be drawn on faces of 68 points"):
        drawn(scene.seen_by(Layout.IBUG), owned(dot), Look(own={"dot": {}}))
