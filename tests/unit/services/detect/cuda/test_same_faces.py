"""Whole searches of pictures on a card, against the same of pictures on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.batching import Batches, Hands, together
from services.detect.blazeface import FAR_EVERY
from services.detect.finding import FaceFinder, How
from services.detect.models.registry import SELFIE_NAME
from services.detect.opening import open_models
from services.detect.regions import overlap
from services.detect.sampling import sample_rgb
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.devices import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.detect.contracts import Detection
    from services.detect.cuda.pictures import CardView
    from services.detect.engine import Provider
    from shared.cuda.device import Device
    from shared.model.faces import Face

    Show = Callable[[Picture], CardView]

CLIPS = ["portrait", "signer_plain.mkv", "signer_occluded.mkv", "two_heads.mp4", "signer_720p.mp4"]
BOX_PX = 0.5
"""Most that an edge of a detector's box may be off, in a picture of 640 px; boxes grow with pictures."""
OF_WIDTH = 0.005 if MISSING else 0.01
"""Most that landmarks may be off, the mean of a face, in widths of it."""


def same_faces(found: Sequence[Face], expected: Sequence[Face]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        off = np.linalg.norm(one.landmarks_px - other.landmarks_px, axis=1).mean()
        assert off <= OF_WIDTH * (other.box_px[2] - other.box_px[0])
        assert one.score == pytest.approx(other.score, abs=0.02)


def alike(one: Detection, other: Detection) -> None:
    """Of a card that is ready for some shapes only: the others are seen with more of black around."""
    assert overlap(one.box_px, other.box_px) > 0.6


def same_sightings(found: Sequence[Detection], expected: Sequence[Detection], picture: Picture) -> None:
    most = BOX_PX * max(1, max(picture.geometry.width, picture.geometry.height) / 640)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if not MISSING:
            alike(one, other)
            continue
        np.testing.assert_allclose(one.box_px, other.box_px, atol=most)
        of_face = OF_WIDTH * (other.box_px[2] - other.box_px[0])  # one candidate more or less in a mean moves them
        np.testing.assert_allclose(one.keypoints_px, other.keypoints_px, atol=max(most, of_face))
        assert one.score == pytest.approx(other.score, abs=0.02)


def rgb(pixels: Any) -> Picture:
    height, width, _ = pixels.shape
    return Picture.over(Geometry(PixelFormat.RGB24, width, height), Colour(), np.ascontiguousarray(pixels))


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_is_followed_to_the_same_landmarks(
    finder: FaceFinder, card_finder: FaceFinder, scene: Any, shown: Show, name: str
) -> None:
    found: list[Face] | None = None
    expected: list[Face] | None = None
    for number, picture in enumerate(scene(name, 12)):
        how = {"detect": number % 4 == 0, "turn": number // 4}
        found = card_finder.find(shown(picture), found, **how)
        expected = finder.find(picture, expected, **how)
        same_faces(found, expected)
    assert expected


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("turn", [0, 1, FAR_EVERY])
def test_detectors_see_the_same_at_every_turn(
    finder: FaceFinder, card_finder: FaceFinder, scene: Any, shown: Show, name: str, turn: int
) -> None:
    for picture in scene(name, 17)[::8]:
        same_sightings(card_finder.glance(shown(picture), turn), finder.glance(picture, turn), picture)


@pytest.mark.parametrize("name", CLIPS)
def test_what_is_half_in_a_picture_is_watched_as_well(
    finder: FaceFinder, card_finder: FaceFinder, scene: Any, shown: Show, name: str
) -> None:
    pictures = scene(name, 9)[::8]
    seen = together([finder.watch(picture) for picture in pictures], Batches(), Hands())
    found = together([card_finder.watch(shown(picture)) for picture in pictures], Batches(), Hands())
    for sightings, expected, picture in zip(found, seen, pictures, strict=True):
        assert expected
        same_sightings(sightings, expected, picture)


def test_the_portrait_is_found(finder: FaceFinder, card_finder: FaceFinder, portrait: Any, shown: Show) -> None:
    picture = rgb(portrait)
    expected = finder.find(picture)
    assert len(expected) == 1
    same_faces(card_finder.find(shown(picture)), expected)


def test_a_picture_of_a_shape_that_nobody_is_ready_for_is_seen_in_a_square(
    finder: FaceFinder, models_folder: Path, device: Device, providers: tuple[Provider, ...], portrait: Any, shown: Show
) -> None:
    ready = FaceFinder.load(models_folder, providers=providers, devices=[device])
    picture = rgb(portrait[:, 300:900])
    [expected] = finder.find(picture)
    [found] = ready.find(shown(picture))
    off = np.linalg.norm(found.landmarks_px - expected.landmarks_px, axis=1).mean()
    assert off <= 0.01 * (expected.box_px[2] - expected.box_px[0])


def test_who_is_upside_down_is_found(finder: FaceFinder, card_finder: FaceFinder, portrait: Any, shown: Show) -> None:
    picture = rgb(portrait[::-1, ::-1])
    expected = finder.find(picture)
    assert len(expected) == 1
    same_faces(card_finder.find(shown(picture)), expected)


@pytest.mark.parametrize("name", ["portrait", "two_heads.mp4"])
def test_a_crowd_is_looked_at_closely_all_at_once(
    finder: FaceFinder, card_finder: FaceFinder, scene: Any, shown: Show, name: str
) -> None:
    pictures = scene(name, 9)
    size = (pictures[0].geometry.width // 6 * 2, pictures[0].geometry.height // 6 * 2)
    scale = np.array([[3.0, 0, 0], [0, 3, 0]])
    tiles = [sample_rgb(one, scale, size, black_outside=False) for one in pictures]
    sheet = rgb(np.vstack([np.hstack(tiles[row : row + 3]) for row in (0, 3, 6)]))
    seen = finder.glance(sheet, 0)
    assert len(seen) >= 9
    same_sightings(card_finder.glance(shown(sheet), 0), seen, sheet)


@pytest.mark.parametrize("names", [["portrait"] * 4, CLIPS[1:]], ids=["portrait", "clips"])
def test_searches_of_many_sessions_come_to_what_each_alone_does(
    finder: FaceFinder, card_finder: FaceFinder, scene: Any, shown: Show, names: list[str]
) -> None:
    pictures = [picture for name in names for picture in scene(name, 9)[::4]]
    searches = [
        card_finder.search(shown(picture), None if turn == 0 else [], How(detect=True, turn=turn))
        for turn, picture in enumerate(pictures)
    ]
    hands = Hands()
    found = together(searches, Batches(most=32, buckets=(1, 4, 32), divisible=False), hands)
    for turn, (faces, picture) in enumerate(zip(found, pictures, strict=True)):
        assert not isinstance(faces, Exception)
        same_faces(faces, finder.find(picture, None if turn == 0 else [], detect=True, turn=turn))


def test_sessions_on_the_host_and_on_a_card_are_searched_together(
    finder: FaceFinder, card_finder: FaceFinder, scene: Any, shown: Show
) -> None:
    [picture] = scene("portrait", 1)
    searches = [card_finder.search(one, None, How(detect=True)) for one in (picture, shown(picture), picture)]
    expected = finder.find(picture)
    for faces in together(searches, Batches(), Hands(2)):
        assert not isinstance(faces, Exception)
        same_faces(faces, expected)


def test_people_are_told_from_what_is_behind_them(
    models_folder: Path, scene: Any, shown: Show, device: Device, providers: tuple[Provider, ...]
) -> None:
    [picture] = scene("portrait", 1)
    expected = open_models(models_folder).segmenter(SELFIE_NAME).segment(picture).alpha
    segmenter = open_models(models_folder, providers=providers, devices=[device]).segmenter(SELFIE_NAME)
    segmenter.warm_up()
    found = segmenter.segment(shown(picture)).alpha
    levels = np.abs(found.astype(int) - expected)
    assert levels.mean() < 0.5
    assert (levels > 16).mean() < 0.002


def test_a_model_that_the_card_does_not_run_gets_its_crops_fetched(
    finder: FaceFinder, models_folder: Path, scene: Any, shown: Show
) -> None:
    [picture] = scene("portrait", 1)
    same_faces(finder.find(shown(picture)), finder.find(picture))
