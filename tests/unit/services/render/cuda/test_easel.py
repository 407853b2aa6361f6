"""Frames of a card, drawn there or, where a look has no CUDA form, on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.render.chroma import split
from services.render.cuda.easel import CardEasel
from services.render.cuda.fetching import CardCopies, Fetched
from services.render.cuda.painter import FORMS
from services.render.drawing import Painter
from services.render.moment import BEGINNING
from services.render.own.painting import OwnPainter
from services.render.quality import judged
from shared.cuda.pictures import CardPicture
from shared.model.looks import Look
from shared.model.pictures import Picture
from tests.cuda.likeness import fetched as brought
from tests.cuda.likeness import psnr, uploaded
from tests.unit.services.render.cuda.worker import DOT
from tests.unit.services.render.pictures import same

if TYPE_CHECKING:
    from services.render.copies import Frame
    from shared.cuda.device import Device

ON_CARD = Look(slim_face=1)
ON_HOST = Look(slim_face=1, own={"dot": {}})


class Session:
    """An easel, and what became of it."""

    def __init__(self, device: Device) -> None:
        self.device, self.fetched, self.told = device, Fetched(), list[str]()
        self.easel = CardEasel(device, self.fetched, self.told.append)

    def drawn(self, scene: Any, look: Look) -> Frame:
        target = self.easel.copied(uploaded(self.device, scene.picture), look, keeps_alpha=False)
        self.easel.draw(target, Painter(own=OwnPainter(DOT)), scene.faces, look, BEGINNING)
        return target


def by_cpu(scene: Any, look: Look) -> Picture:
    target = scene.copy()
    Painter(own=OwnPainter(DOT)).draw(target, scene.faces, look)
    return target


@pytest.mark.parametrize("size", [(360, 380), (361, 379)])
def test_what_has_a_cuda_form_is_drawn_on_the_card(device: Device, studio: Any, size: tuple[int, int]) -> None:
    session, scene = Session(device), studio.scene(*size)
    target = session.drawn(scene, ON_CARD)
    assert isinstance(target, CardPicture)
    assert psnr(scene.picture, by_cpu(scene, ON_CARD), brought(device, target)) > 40
    assert (session.fetched, session.told) == (Fetched(), [])


def test_what_has_none_is_drawn_on_the_host_and_counted_and_told_once(device: Device, studio: Any) -> None:
    session, scene = Session(device), studio.scene()
    for _ in range(2):
        target = session.drawn(scene, ON_HOST)
        assert isinstance(target, Picture)
        assert same(target, by_cpu(scene, ON_HOST))
    size = scene.picture.geometry.size_bytes
    assert session.fetched == Fetched(frames=2, drawn_on_host=2, frame_bytes=2 * size)
    assert session.told == ["own cannot be drawn on a card"]
    copy = CardCopies(device, session.fetched).here(target)
    assert same(split(copy), target)


def test_each_look_is_drawn_where_it_can_be(device: Device, studio: Any) -> None:
    session, scene = Session(device), studio.scene()
    kinds = [type(session.drawn(scene, look)) for look in (ON_CARD, ON_HOST, ON_CARD, ON_HOST)]
    assert kinds == [CardPicture, Picture, CardPicture, Picture]
    assert session.fetched.drawn_on_host == 2
    assert len(session.told) == 1


def test_a_drawn_frame_is_still_there_while_the_next_is_drawn(device: Device, studio: Any) -> None:
    session, scene, other = Session(device), studio.scene(), studio.scene()
    for plane in other.picture.planes:
        plane[:] = 255 - plane
    one = session.drawn(scene, ON_CARD)
    session.drawn(other, ON_CARD)
    assert isinstance(one, CardPicture)
    assert session.easel.is_own(one)
    assert not session.easel.is_own(uploaded(device, scene.picture))
    assert psnr(scene.picture, by_cpu(scene, ON_CARD), brought(device, one)) > 40


def test_a_size_that_changes_has_pictures_of_its_own(device: Device, studio: Any) -> None:
    session = Session(device)
    for size in ((360, 380), (380, 360), (360, 380)):
        scene = studio.scene(*size)
        target = session.drawn(scene, ON_CARD)
        assert isinstance(target, CardPicture)
        assert psnr(scene.picture, by_cpu(scene, ON_CARD), brought(device, target)) > 40


def test_how_well_faces_are_seen_is_judged_by_small_pictures_of_them(device: Device, studio: Any) -> None:
    session, scene = Session(device), studio.scene()
    beyond = studio.face(10, 10)
    faces = [*scene.faces, beyond, *scene.faces]
    assert session.easel.judged(faces, uploaded(device, scene.picture)) == judged(faces, scene.picture)
    assert (session.fetched.crops, session.fetched.frames) == (2, 0)
    assert session.easel.judged([beyond], uploaded(device, scene.picture)) == judged([beyond], scene.picture)
    assert session.fetched.crops == 2


def test_words_of_a_real_clip_are_those_of_the_cpu(device: Device, clip: list[Any]) -> None:
    session = Session(device)
    for scene in clip[::9]:
        assert session.easel.judged(scene.faces, uploaded(device, scene.picture)) == judged(scene.faces, scene.picture)


def test_frames_that_lie_on_the_host_stay_there(device: Device, studio: Any) -> None:
    session, scene = Session(device), studio.scene()
    target = session.easel.copied(scene.picture, ON_CARD, keeps_alpha=False)
    session.easel.draw(target, Painter(), scene.faces, ON_CARD, BEGINNING)
    assert isinstance(target, Picture)
    assert same(target, by_cpu(scene, ON_CARD))
    assert session.easel.judged(scene.faces, scene.picture) == judged(scene.faces, scene.picture)
    assert session.fetched == Fetched()


def test_the_looks_of_these_tests_are_what_they_say() -> None:
    assert set(ON_CARD.drawn) <= FORMS
    assert not set(ON_HOST.drawn) <= FORMS
