"""services/ingest/jobs/face_parts.py: one face has one number in the whole, whatever the parts call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.ingest.jobs.face_parts import join_faces
from shared.model.media import Plan, Span
from tests.unit.services.ingest.conftest import VIDEO

if TYPE_CHECKING:
    from pathlib import Path

SPANS = (
    Span(begins=0, start=0, end=30, first=0, warm=0, frames=3),
    Span(begins=20, start=30, end=50, first=2, warm=1, frames=2),
    Span(begins=40, start=50, end=None, first=4, warm=1, frames=1),
)
LEFT, RIGHT = (0.0, 0.0, 10.0, 10.0), (50.0, 0.0, 60.0, 10.0)
Faces = dict[int, tuple[float, float, float, float]]


def part(folder: Path, number: int, frames: dict[int, Faces]) -> Path:
    path = folder / f"part-{number}"
    lines = [
        {
            "frame": frame,
            "pts_seconds": frame / 100,
            "faces": [{"track": track, "box": list(box)} for track, box in faces.items()],
        }
        for frame, faces in frames.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def joined(folder: Path, *parts: dict[int, Faces]) -> list[tuple[int, Faces]]:
    target = folder / "joined"
    paths = [part(folder, number, frames) for number, frames in enumerate(parts)]
    join_faces(paths, Plan(facts=VIDEO, spans=SPANS[: len(parts)]), target)
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    return [(line["frame"], {face["track"]: tuple(face["box"]) for face in line["faces"]}) for line in lines]


def near(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    return (box[0] + 1, box[1], box[2] + 1, box[3])


def test_a_face_keeps_its_number_across_the_cuts(tmp_path: Path) -> None:
    found = joined(
        tmp_path,
        {0: {1: LEFT}, 1: {1: LEFT, 2: RIGHT}, 2: {1: LEFT, 2: RIGHT}},
        {2: {1: near(RIGHT), 2: LEFT}, 3: {1: RIGHT, 2: LEFT}, 4: {2: LEFT}},
        {4: {7: near(LEFT)}, 5: {7: LEFT}},
    )
    assert [frame for frame, _ in found] == [0, 1, 2, 3, 4, 5]
    assert found[3][1] == {2: RIGHT, 1: LEFT}
    assert found[5][1] == {1: LEFT}


def test_who_was_not_there_before_the_cut_has_a_number_of_his_own(tmp_path: Path) -> None:
    found = joined(
        tmp_path, {0: {1: LEFT}, 1: {}, 2: {1: LEFT}}, {2: {1: RIGHT}, 3: {1: RIGHT, 2: LEFT}, 4: {2: LEFT, 3: RIGHT}}
    )
    assert found[3][1] == {2: RIGHT, 3: LEFT}
    assert found[4][1] == {3: LEFT, 4: RIGHT}


def test_of_two_that_are_alike_each_is_taken_once(tmp_path: Path) -> None:
    found = joined(tmp_path, {0: {}, 1: {}, 2: {1: LEFT}}, {2: {5: LEFT, 6: near(LEFT)}, 3: {5: LEFT, 6: near(LEFT)}})
    assert found[-1][1] == {1: LEFT, 2: near(LEFT)}


def test_numbers_of_a_part_that_had_no_frame_before_are_new(tmp_path: Path) -> None:
    found = joined(tmp_path, {0: {1: LEFT}, 1: {1: LEFT}, 2: {1: LEFT}}, {3: {1: LEFT}, 4: {1: LEFT}})
    assert found[3][1] == {2: LEFT}
