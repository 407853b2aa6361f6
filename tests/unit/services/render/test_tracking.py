from __future__ import annotations

from services.render.tracking import Tracks
from shared.model.faces import Face


def face(x: float, y: float = 0, side: float = 100, score: float = 0.9) -> Face:
    return Face(box_px=(x, y, x + side, y + side), score=score, points=b"")


def numbers(faces: list[Face]) -> list[int]:
    return [one.track for one in faces]


def test_faces_are_numbered_from_one_in_the_order_given() -> None:
    assert numbers(Tracks().assign([face(0), face(300)])) == [1, 2]


def test_a_face_keeps_its_number_while_it_moves() -> None:
    tracks = Tracks()
    assert {numbers(tracks.assign([face(25 * step)]))[0] for step in range(30)} == {1}


def test_faces_keep_their_numbers_when_they_are_given_in_another_order() -> None:
    tracks = Tracks()
    tracks.assign([face(0), face(300)])
    assert numbers(tracks.assign([face(305), face(5)])) == [2, 1]


def test_the_larger_overlap_wins() -> None:
    tracks = Tracks()
    tracks.assign([face(0), face(60)])
    assert numbers(tracks.assign([face(50), face(10)])) == [2, 1]


def test_two_faces_never_share_a_number() -> None:
    tracks = Tracks()
    tracks.assign([face(0)])
    assert sorted(numbers(tracks.assign([face(5), face(10), face(15)]))) == [1, 2, 3]


def test_a_face_is_known_again_after_a_short_absence() -> None:
    tracks = Tracks(patience_frames=15)
    tracks.assign([face(0)])
    for _ in range(15):
        tracks.assign([])
    assert numbers(tracks.assign([face(10)])) == [1]


def test_a_face_is_forgotten_after_a_long_absence_and_its_number_is_not_given_again() -> None:
    tracks = Tracks(patience_frames=15)
    tracks.assign([face(0)])
    for _ in range(16):
        tracks.assign([])
    assert numbers(tracks.assign([face(10)])) == [2]


def test_a_face_elsewhere_is_another_one() -> None:
    tracks = Tracks()
    tracks.assign([face(0)])
    assert numbers(tracks.assign([face(95)])) == [2]


def test_the_face_itself_is_not_changed() -> None:
    (known,) = Tracks().assign([face(3, 4, 50, score=0.4)])
    assert known == face(3, 4, 50, score=0.4).known_as(1)


def test_faces_without_extent_do_not_match_anything() -> None:
    tracks = Tracks()
    tracks.assign([face(0, side=0)])
    assert numbers(tracks.assign([face(0, side=0)])) == [2]
