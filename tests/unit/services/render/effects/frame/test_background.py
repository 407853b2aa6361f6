"""What is behind the people, kind by kind."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.effects.frame.background import Backdrops, filling
from services.render.moment import BEGINNING, Moment
from services.render.region import Scratch
from shared.model.effects import Background
from shared.model.errors import Rejected
from shared.model.looks import Look
from shared.model.pictures import Picture
from tests.unit.services.render.pictures import change

ASSET = "2" * 32


def striped(silhouette: Any) -> Any:
    """Stripes on the wall, so that there is something to blur."""
    for plane in silhouette.picture.planes:
        stripes = ~silhouette.inside & (np.arange(silhouette.inside.shape[1]) // 8 % 2 == 0)
        wall = silhouette.at(stripes, plane)
        plane[wall] = plane[wall] // 2 + 60
    return silhouette


def test_a_blur_takes_the_contrast_of_the_wall_and_none_of_the_people(silhouette: Any, rgb_of: Any) -> None:
    scene = striped(silhouette)
    before, after = rgb_of(scene.picture), rgb_of(scene.behind(Background(amount=1.0)))
    wall, people = scene.deep(40, outside=True), scene.deep(30, outside=False)
    assert after[wall].std(axis=0).max() < 0.35 * before[wall].std(axis=0).max()
    assert np.array_equal(after[people], before[people])


@pytest.mark.parametrize("amount", [0.05, 0.2, 0.5, 1.0])
def test_people_do_not_bleed_into_a_blurred_wall(amount: float, silhouette: Any, rgb_of: Any) -> None:
    after = rgb_of(silhouette.behind(Background(amount=amount)))
    ring = silhouette.near(24, outside=True) & silhouette.deep(5, outside=True)
    assert np.abs(after[ring].mean(axis=0) - silhouette.WALL).max() < 5
    assert np.abs(cv2.blur(after.astype(np.float32), (5, 5))[ring] - silhouette.WALL).max() < 14


def test_more_is_more_out_of_focus(silhouette: Any) -> None:
    scene = striped(silhouette)
    changes = [change(scene.picture, scene.behind(Background(amount=s))) for s in (0.02, 0.1, 0.3, 0.6, 1.0)]
    assert changes[0] > 0
    assert changes == sorted(changes)


def test_lights_out_of_focus_become_discs(gradient: Any) -> None:
    picture = gradient(640, 360)
    picture.planes[0][...], picture.planes[1][...], picture.planes[2][...] = 40, 128, 128
    picture.planes[0][178:182, 318:322] = 235
    target = Picture.blank(picture.geometry, picture.colour)
    picture.copy_to(target)
    Painter().draw(target, (), Look(background=Background(amount=1.0)), Moment(people=np.zeros((64, 64), np.uint8)))
    bright = target.planes[0] > 40 + 0.5 * (target.planes[0].max() - 40)
    rows, columns = np.nonzero(bright)
    radius = np.sqrt(bright.sum() / np.pi)
    assert 0.6 * 0.028 * 640 < radius < 1.4 * 0.028 * 640
    assert np.hypot(rows - 179.5, columns - 319.5).max() < 1.35 * radius


def test_a_colour_is_met_and_stays_in_range(silhouette: Any, rgb_of: Any) -> None:
    after = rgb_of(silhouette.behind(Background(kind="color", color="#1c8a3a")))
    wall = silhouette.deep(30, outside=True)
    assert np.abs(after[wall] - (0x1C, 0x8A, 0x3A)).max() <= 2


def test_a_picture_fills_the_frame(silhouette: Any, rgb_of: Any, a_picture: Any) -> None:
    after = rgb_of(silhouette.behind(Background(kind="picture", asset=ASSET), a_picture))
    height = silhouette.inside.shape[0]
    assert np.abs(after[height // 2, :20] - (220, 0, 0)).max() <= 3
    assert np.abs(after[height // 2, -20:] - (0, 0, 220)).max() <= 3


def test_the_middle_of_a_picture_is_shown_in_the_frames_shape(a_picture: Any) -> None:
    rgba = a_picture.pictures[0]
    wide, tall = filling(rgba, 300, 100), filling(rgba, 20, 40)
    assert (wide.shape, tall.shape) == ((100, 300, 3), (40, 20, 3))
    assert wide[50, 10].tolist() == [220, 0, 0]
    assert wide[0].max() > 0  # the clear row on top is cut off
    assert tall[0].max() < 220
    assert tall[20, [2, 17]].tolist() == [[220, 0, 0], [0, 0, 220]]


def test_a_picture_is_made_to_fit_once(silhouette: Any, a_picture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backdrops, scratch, asked = Backdrops({ASSET: a_picture}), Scratch(), []
    picture = type(a_picture).picture
    monkeypatch.setattr(type(a_picture), "picture", lambda own, frame: (asked.append(frame), picture(own, frame))[1])
    look = Look(background=Background(kind="picture", asset=ASSET))
    for _ in range(3):
        target = Picture.blank(silhouette.picture.geometry, silhouette.picture.colour)
        silhouette.picture.copy_to(target)
        backdrops.draw(target, (), look, Moment(people=silhouette.mask), scratch)
    assert asked == [0]


def test_one_that_is_not_there_or_a_table_is_refused(silhouette: Any, colourist: Any) -> None:
    background = Background(kind="picture", asset=ASSET)
    for asset, code in ((None, "unknown-asset"), (colourist.assets[colourist.ASSET], "invalid-look")):
        with pytest.raises(Rejected) as raised:
            silhouette.behind(background, asset)
        assert raised.value.code == code


def test_a_frame_whose_people_nobody_has_told_apart_keeps_its_background(silhouette: Any) -> None:
    target = Picture.blank(silhouette.picture.geometry, silhouette.picture.colour)
    silhouette.picture.copy_to(target)
    Painter().draw(target, (), Look(background=Background(amount=1.0)), BEGINNING)
    assert change(silhouette.picture, target) == 0


def test_a_still_becomes_transparent(still_silhouette: Any) -> None:
    target = still_silhouette.behind(Background(kind="transparent"))
    assert target.alpha is not None
    assert (target.alpha[still_silhouette.deep(30, outside=True)] == 0).all()
    assert (target.alpha[still_silhouette.deep(30, outside=False)] == 255).all()


def test_a_transparent_background_that_nobody_could_see_is_refused(silhouette: Any) -> None:
    look = Look(background=Background(kind="transparent"))
    with pytest.raises(Rejected, match="PNG or WebP") as raised:
        Painter().draw(silhouette.picture, (), look, Moment(people=silhouette.mask))
    assert raised.value.code == "unsupported-look"


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (17, 3)])
@pytest.mark.parametrize("kind", ["blur", "color"])
def test_the_smallest_pictures_are_drawn_without_harm(size: tuple[int, int], kind: Any, gradient: Any) -> None:
    target = gradient(*size)
    for mask in (np.zeros((64, 64), np.uint8), np.full((64, 64), 255, np.uint8)):
        Painter().draw(target, (), Look(background=Background(kind=kind, amount=1.0)), Moment(people=mask))
