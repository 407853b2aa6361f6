"""Frames in order, whatever order they come in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.session import RenderSession, SessionState
from shared.model.assets import PreparedPicture
from shared.model.effects import Background, FaceCover, Grade, Sticker
from shared.model.errors import FrameLost, Malformed, Rejected
from shared.model.faces import Face, Quality
from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference, LiveMark
from shared.model.looks import Look
from shared.model.media import Span
from shared.model.people import PeopleMask
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZE = Geometry(PixelFormat.I420, 400, 400)


class Film:
    """Frames by slot number, of which each may be read until it is released."""

    def __init__(self) -> None:
        self.picture = Picture.over(SIZE, Colour(), np.full(SIZE.size_bytes, 120, np.uint8))
        self.released: list[int] = []

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Picture]:
        if reference.slot in self.released:
            raise FrameLost("released")
        yield self.picture

    def release(self, reference: FrameReference) -> None:
        self.released.append(reference.slot)


class Screen:
    """A sink that remembers."""

    def __init__(self, *, wants_picture: bool = True, wants_faces: bool = True, keeps_alpha: bool = False) -> None:
        self.wants_picture = wants_picture
        self.wants_faces = wants_faces
        self.keeps_alpha = keeps_alpha
        self.sequences: list[int] = []
        self.faces: list[Sequence[Face]] = []
        self.pictures: list[Picture] = []

    def write(self, picture: Picture, frame: CapturedFrame, faces: Sequence[Face]) -> None:
        self.sequences.append(frame.sequence)
        self.faces.append(faces)
        self.pictures.append(picture)

    def abort(self) -> None:
        raise AssertionError("nobody aborts here")


def a_face() -> Face:
    mesh = np.random.default_rng(3).uniform(100, 300, (468, 3)).astype(np.float32)
    return Face.of(mesh, 0.9)


def frames(*sequences: int, faces: tuple[Face, ...] = (), people: PeopleMask | None = None) -> list[DetectedFrame]:
    return [DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, n * 40), faces, people) for n in sequences]


def test_frames_that_come_early_wait_for_those_before_them() -> None:
    screen, film = Screen(), Film()
    session = RenderSession(Look(), screen)
    session.feed(frames(2, 3), film)
    assert screen.sequences == []
    session.feed(frames(0, 1), film)
    assert screen.sequences == [0, 1, 2, 3]


def test_a_redelivered_frame_is_drawn_once() -> None:
    screen, film = Screen(), Film()
    session = RenderSession(Look(), screen)
    for _ in range(2):
        session.feed(frames(0, 1), film)
    assert screen.sequences == [0, 1]
    assert session.frames_done == 2


def test_each_frame_is_released_when_it_is_drawn_and_not_before() -> None:
    film = Film()
    session = RenderSession(Look(), Screen())
    session.feed(frames(1), film)
    assert film.released == []
    session.feed(frames(0), film)
    assert film.released == [0, 1]


def test_a_lost_frame_is_an_error() -> None:
    film = Film()
    film.released.append(0)
    with pytest.raises(FrameLost):
        RenderSession(Look(), Screen()).feed(frames(0), film)


def test_it_is_finished_when_as_many_are_drawn_as_were_announced_and_not_before() -> None:
    film = Film()
    session = RenderSession(Look(), Screen())
    session.feed(frames(0), film)
    assert not session.finished
    session.frames_total = 2
    assert not session.finished
    session.feed(frames(1), film)
    assert session.finished


def test_a_face_keeps_its_number_from_frame_to_frame() -> None:
    screen, face = Screen(), a_face()
    session = RenderSession(Look(), screen)
    session.feed(frames(0, 1, faces=(face,)), Film())
    assert [[face.track for face in faces] for faces in screen.faces] == [[1], [1]]
    assert session.faces_done == 2


def walking(count: int) -> list[DetectedFrame]:
    """A face that trembles and walks, at 25 frames a second."""
    rng = np.random.default_rng(5)
    mesh = a_face().landmarks_px
    noise, way = rng.normal(0, 0.3, (count, *mesh.shape)), np.array((0.4, 0, 0))
    faces = [Face.of((mesh + n * way + noise[n]).astype("f4"), 0.9) for n in range(count)]
    return [frames(n, faces=(face,))[0] for n, face in enumerate(faces)]


def test_what_is_handed_on_is_calmed_by_the_time_that_pts_say() -> None:
    film = walking(20)
    calm = {}
    for milliseconds, time_base in ((40, (1, 1000)), (400, (1, 100))):
        screen = Screen()
        RenderSession(Look(), screen, time_base).feed(film, Film())
        trembling = np.diff([faces[0].landmarks_px for faces in screen.faces], n=2, axis=0)
        calm[milliseconds] = float(np.sqrt((trembling**2).mean()))
    assert calm[40] < 0.5 * calm[400]


def test_the_first_frame_and_so_a_still_is_handed_on_as_it_was_found() -> None:
    screen, face = Screen(), a_face()
    RenderSession(Look(), screen, (1, 1)).feed(frames(0, faces=(face,)), Film())
    assert screen.faces[0][0].points == face.points


def test_how_heads_are_turned_and_seen_is_told_only_where_faces_are_asked_for() -> None:
    asked, unasked = Screen(), Screen(wants_faces=False)
    beyond = Face.of(a_face().landmarks_px - np.float32(200), 0.9)
    for screen in (asked, unasked):
        RenderSession(Look(), screen).feed(frames(0, faces=(beyond,)), Film())
    assert asked.faces[0][0].pose is not None
    assert asked.faces[0][0].quality is Quality.OUT_OF_FRAME
    assert (unasked.faces[0][0].pose, unasked.faces[0][0].quality) == (None, Quality.GOOD)


def test_a_session_that_another_worker_goes_on_with_is_the_same_to_the_bit() -> None:
    film, whole, first, second = walking(30), Screen(), Screen(), Screen()
    RenderSession(Look(), whole).feed(film, Film())
    session = RenderSession(Look(), first)
    session.feed(film[:13], Film())
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(session.state), type=SessionState)
    other = RenderSession(Look(), second, state=kept)
    other.feed(film[13:], Film())
    assert first.faces + second.faces == whole.faces
    assert (other.frames_done, other.faces_done) == (30, 30)


def test_the_state_of_a_face_is_small() -> None:
    session = RenderSession(Look(), Screen())
    session.feed(walking(5), Film())
    assert len(msgspec.msgpack.encode(session.state)) < 12_000


def test_a_face_that_is_lost_for_a_frame_is_drawn_but_not_told() -> None:
    screen, face, film = Screen(), a_face(), Film()
    session = RenderSession(Look(smooth=1, whiten=1, slim_face=1), screen)
    session.feed([*frames(0, faces=(face,)), *frames(1)], film)
    assert screen.pictures[1] is not film.picture
    assert screen.faces[1] == []
    session.feed(frames(2, 3, 4), film)
    assert screen.pictures[4] is film.picture


def test_without_a_visible_effect_the_decoded_picture_itself_is_handed_on() -> None:
    screen, film = Screen(), Film()
    RenderSession(Look(), screen).feed(frames(0, faces=(a_face(),)), film)
    assert screen.pictures == [film.picture]


def test_effects_are_drawn_on_a_copy() -> None:
    screen, film = Screen(), Film()
    before = [plane.copy() for plane in film.picture.planes]
    RenderSession(Look(smooth=1, whiten=1, slim_face=1), screen).feed(frames(0, faces=(a_face(),)), film)
    assert screen.pictures[0] is not film.picture
    assert all(np.array_equal(*pair) for pair in zip(before, film.picture.planes, strict=True))


def test_an_animation_runs_by_the_frames_own_time() -> None:
    screen, film = Screen(), Film()
    shades = tuple(bytes([level, level, level, 255] * 4) for level in (0, 255))
    asset = PreparedPicture(width=2, height=2, frames=shades, durations_ms=(50, 50))
    look = Look(stickers=(Sticker(asset="0" * 32, anchor="nose", size=0.4),))
    face = a_face()
    for number in range(4):  # 40 ms each: 0, 40, 80, 120
        session = RenderSession(
            look, screen, state=SessionState(frames_done=number), painter=Painter({"0" * 32: asset})
        )
        session.feed(frames(number, faces=(face,)), film)
    changes = [int(np.sign((picture.planes[0].astype(int) - 120).sum())) for picture in screen.pictures]
    assert changes == [-1, -1, 1, -1]


def test_nothing_is_drawn_for_a_sink_that_wants_only_faces() -> None:
    screen, film = Screen(wants_picture=False), Film()
    RenderSession(Look(smooth=1), screen).feed(frames(0, faces=(a_face(),)), film)
    assert screen.pictures == [film.picture]


def test_every_frame_is_drawn_at_its_own_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[float] = []
    monkeypatch.setattr(Painter, "draw", lambda _, *given: moments.append(given[-1].seconds))
    session = RenderSession(Look(smooth=0.5), Screen(), (1, 1000))
    session.feed(frames(0, 1, 2, faces=(a_face(),)), Film())
    assert moments == [0.0, 0.04, 0.08]


COVER = Look(face_cover=FaceCover(color="#ffffff"))


def sighted(*sequences: int, boxes: tuple[Any, ...] = (), faces: tuple[Face, ...] = ()) -> list[DetectedFrame]:
    """Frames that were watched."""
    return [msgspec.structs.replace(frame, sightings=boxes) for frame in frames(*sequences, faces=faces)]


def test_a_frame_that_nobody_watched_is_not_shown_where_faces_are_to_be_hidden() -> None:
    screen, film = Screen(), Film()
    with pytest.raises(Malformed):
        RenderSession(COVER, screen).feed(frames(0, faces=(a_face(),)), film)
    assert screen.pictures == []
    RenderSession(COVER, Screen(wants_picture=False)).feed(frames(0), film)


def test_what_may_be_a_face_is_hidden_without_any_face_and_told_to_nobody() -> None:
    screen = Screen()
    RenderSession(COVER, screen).feed(sighted(0, boxes=((180.0, 180.0, 220.0, 220.0),)), Film())
    assert screen.pictures[0].planes[0][200, 200] == 235
    assert screen.pictures[0].planes[0][20, 20] == 120
    assert screen.faces == [[]]


def test_a_face_that_is_lost_is_hidden_for_longer_than_it_is_drawn() -> None:
    screen = Screen()
    session = RenderSession(COVER, screen)
    film = Film()
    session.feed(sighted(0, faces=(a_face(),)), film)
    shown = []
    for sequence in range(1, 40):
        session.feed(sighted(sequence), film)
        shown.append(int(screen.pictures[-1].planes[0][200, 200]))
    assert shown[:25] == [235] * 25
    assert shown[-1] == 120


def test_only_the_faces_that_a_look_is_for_are_drawn() -> None:
    screen = Screen()
    near, far = a_face(), Face.of(a_face().landmarks_px * np.float32(0.3), 0.9)
    looks = {"all": 2, "largest": 1, (2,): 1, (3,): 0}
    for faces, count in looks.items():
        session = RenderSession(msgspec.structs.replace(COVER, faces=faces), screen)
        session.feed(sighted(0, faces=(near, far)), Film())
        luma = screen.pictures[-1].planes[0]
        assert [int(luma[200, 200]) > 200, int(luma[60, 60]) > 200].count(True) == count


def test_a_session_that_hides_goes_on_with_another_worker_as_if_nothing_had_been() -> None:
    film = [*sighted(0, boxes=((180.0, 180.0, 220.0, 220.0),), faces=(a_face(),)), *sighted(*range(1, 12))]
    whole, second = Screen(), Screen()
    RenderSession(COVER, whole).feed(film, Film())
    last = whole.pictures[-1].planes[0].copy()
    session = RenderSession(COVER, Screen())
    session.feed(film[:6], Film())
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(session.state), type=SessionState)
    RenderSession(COVER, second, state=kept).feed(film[6:], Film())
    assert np.array_equal(second.pictures[-1].planes[0], last)


NOBODY = PeopleMask.of(np.zeros((16, 16), np.uint8))


def test_what_is_drawn_on_the_whole_frame_is_drawn_without_faces_too() -> None:
    screen, film = Screen(), Film()
    RenderSession(Look(brightness=0.5), screen).feed(frames(0), film)
    assert (screen.pictures[0].planes[0] > 120).all()
    assert (film.picture.planes[0] == 120).all()


def test_a_background_is_drawn_behind_the_people_that_detect_has_told_apart() -> None:
    screen = Screen()
    session = RenderSession(Look(background=Background(kind="color", color="#ffffff")), screen)
    session.feed(frames(0, people=NOBODY), Film())
    assert (screen.pictures[0].planes[0] == 235).all()
    assert not session.lacks_people


def test_frames_whose_people_are_not_known_keep_their_background_and_that_is_noticed() -> None:
    screen = Screen()
    session = RenderSession(Look(background=Background(kind="color"), contrast=0.1), screen)
    session.feed(frames(0), Film())
    assert session.lacks_people
    assert np.ptp(screen.pictures[0].planes[0]) == 0


def test_a_mask_that_goes_missing_once_does_not_show_what_is_behind() -> None:
    screen = Screen()
    session = RenderSession(Look(background=Background(kind="color", color="#ffffff")), screen)
    session.feed([*frames(0, people=NOBODY), *frames(1)], Film())
    assert (screen.pictures[1].planes[0] == 235).all()


def test_what_the_look_refers_to_is_brought_before_the_first_frame(colourist: Any) -> None:
    look = Look(grade=Grade(asset=colourist.ASSET))
    with pytest.raises(Rejected, match=colourist.ASSET):
        RenderSession(look, Screen()).feed(frames(0), Film())
    screen, film = Screen(), Film()
    session = RenderSession(look, screen, painter=Painter(colourist.assets))
    session.feed(frames(0), film)
    assert not np.array_equal(screen.pictures[0].planes[1], film.picture.planes[1])


def test_a_transparent_background_has_an_alpha_where_the_sink_keeps_it_and_is_refused_elsewhere() -> None:
    look, film, other = Look(background=Background(kind="transparent")), Film(), Film()
    film.picture = Picture.blank(Geometry(PixelFormat.RGB24, 40, 30), Colour(full_range=True))
    screen = Screen(keeps_alpha=True)
    RenderSession(look, screen).feed(frames(0, people=NOBODY), film)
    alpha = screen.pictures[0].alpha
    assert alpha is not None
    assert (alpha == 0).all()
    with pytest.raises(Rejected, match="PNG or WebP"):
        RenderSession(look, Screen()).feed(frames(0, people=NOBODY), other)


def live(sequence: int, look: int = 0) -> DetectedFrame:
    mark = LiveMark(sequence, 0, 0, look=look)
    return DetectedFrame(CapturedFrame(FrameReference(1, sequence, 1), sequence, sequence * 40, live=mark), (a_face(),))


def test_a_prepared_look_holds_from_the_first_frame_that_says_so() -> None:
    screen, film = Screen(), Film()
    session = RenderSession(Look(), screen)
    session.prepare(2, Look(smooth=1.0), Painter())
    session.feed([live(0), live(1), live(2, look=2), live(3, look=2)], film)
    assert [picture is film.picture for picture in screen.pictures] == [True, True, False, False]


def test_a_change_that_was_not_prepared_changes_nothing() -> None:
    screen, film = Screen(), Film()
    RenderSession(Look(), screen).feed([live(0, look=7)], film)
    assert screen.pictures == [film.picture]


def test_a_frame_that_is_passed_over_is_released_and_the_next_one_drawn() -> None:
    screen, film = Screen(), Film()
    session = RenderSession(Look(), screen, pass_over=lambda frame: frame.captured.sequence == 1)
    session.feed(frames(0, 1, 2), film)
    assert (screen.sequences, film.released, session.frames_done) == ([0, 2], [0, 1, 2], 3)


@pytest.mark.parametrize("later", [0, 50_000, -1_000])
def test_a_session_that_is_taken_up_knows_its_faces_whatever_its_clock_says(later: int) -> None:
    walk, before, after = walking(30), Screen(), Screen()
    session = RenderSession(Look(), before)
    session.feed(walk[:20], Film())
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(session.state.taken_up()), type=SessionState)
    other = RenderSession(Look(), after, state=kept)
    anew = [
        DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, n * 40 + later), frame.faces)
        for n, frame in enumerate(walk[20:])
    ]
    other.feed(anew, Film())
    assert {face.track for faces in after.faces for face in faces} == {1}
    gone_on = RenderSession(Look(), whole := Screen())
    gone_on.feed(walk, Film())
    pairs = zip(after.faces, whole.faces[20:], strict=True)
    assert max(np.abs(a[0].landmarks_px - b[0].landmarks_px).max() for a, b in pairs) < 0.01


def test_changes_that_were_never_drawn_are_forgotten() -> None:
    session = RenderSession(Look(), Screen())
    for change in range(1, 4):
        session.prepare(change, Look(smooth=change / 10), Painter())
    session.feed([live(0, look=2)], Film())
    assert list(session._changes) == [3]


PART = Span(begins=400, start=600, end=None, first=10, warm=5, frames=4)
"""Nine frames, of which the first five are warmed up with."""


def of_part(*faces: Face) -> list[DetectedFrame]:
    """All frames of PART, with the same faces in each."""
    return [DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, 400 + n * 40), faces) for n in range(9)]


def test_frames_of_the_part_before_are_released_and_not_written() -> None:
    screen, film = Screen(wants_faces=False), Film()
    session = RenderSession(Look(), screen, span=PART)
    film.read = lambda _: pytest.fail("a frame that is not drawn was looked at")  # type: ignore[method-assign]
    session.feed(of_part(a_face())[:5], film)
    assert (screen.sequences, film.released) == ([], [0, 1, 2, 3, 4])
    assert (session.frames_done, session.frames_written, session.faces_done) == (5, 0, 0)


def test_a_part_has_and_counts_its_own_frames() -> None:
    screen, film = Screen(wants_faces=False), Film()
    session = RenderSession(Look(), screen, span=PART)
    session.frames_total = 9
    session.feed(of_part(a_face(), a_face()), film)
    assert (screen.sequences, film.released) == ([5, 6, 7, 8], list(range(9)))
    assert (session.frames_done, session.frames_written, session.faces_done) == (9, 4, 8)
    assert session.finished


def test_without_a_span_every_frame_is_written() -> None:
    session = RenderSession(Look(), Screen())
    session.feed(frames(0, 1, 2), Film())
    assert session.frames_written == 3


def test_a_sink_of_faces_is_given_the_last_frame_of_the_part_before_too() -> None:
    screen = Screen(wants_picture=False)
    session = RenderSession(Look(), screen, span=PART)
    session.feed(of_part(a_face()), Film())
    assert screen.sequences == [4, 5, 6, 7, 8]
    assert (session.frames_written, session.faces_done) == (4, 4)


def test_the_first_part_is_not_warmed_up() -> None:
    screen = Screen(wants_picture=False)
    span = Span(begins=0, start=0, end=120, first=0, warm=0, frames=3)
    RenderSession(Look(), screen, span=span).feed(frames(0, 1, 2), Film())
    assert screen.sequences == [0, 1, 2]


def test_faces_are_known_from_the_frames_of_the_part_before() -> None:
    """Someone who left before the cut has had number 1: who is still there at the cut keeps number 2."""
    near, far = a_face(), Face.of(a_face().landmarks_px * np.float32(0.3), 0.9)
    screen = Screen(wants_picture=False)
    film = [msgspec.structs.replace(one, faces=(near, far) if n < 3 else (far,)) for n, one in enumerate(of_part())]
    RenderSession(Look(), screen, span=PART).feed(film, Film())
    assert [[face.track for face in faces] for faces in screen.faces] == [[2]] * 5


def jump_at_cut(warm: int) -> float:
    """Root mean square of how far the mesh of the first own frame lies from where the whole video has it."""
    walk, whole, part = walking(40), Screen(), Screen()
    RenderSession(Look(), whole).feed(walk, Film())
    own = [
        DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, frame.captured.pts), frame.faces)
        for n, frame in enumerate(walk[28 - warm :])
    ]
    span = Span(begins=(28 - warm) * 40, start=28 * 40, end=None, first=28 - warm, warm=warm, frames=12)
    RenderSession(Look(), part, span=span).feed(own, Film())
    [[one], [other]] = whole.faces[28], part.faces[-12]
    return float(np.sqrt(((one.landmarks_px - other.landmarks_px) ** 2).mean()))


def test_nothing_jumps_at_a_cut_before_which_there_was_time_to_grow_calm() -> None:
    assert jump_at_cut(warm=18) < jump_at_cut(warm=0) / 3


CUT = 28
"""The frame that a part begins with, of forty."""


def known_at_cut(walk: list[DetectedFrame], look: Look | None = None) -> SessionState:
    """What the part before ends with."""
    before = RenderSession(look or Look(), Screen())
    before.feed(walk[:CUT], Film())
    return before.state.counted_anew()


def continued(walk: list[DetectedFrame], warm: int, screen: Screen, look: Look | None = None) -> RenderSession:
    """The part behind the cut, with what is known there."""
    own = [
        DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, frame.captured.pts), frame.faces, None, frame.sightings)
        for n, frame in enumerate(walk[CUT - warm :])
    ]
    span = Span(begins=(CUT - warm) * 40, start=CUT * 40, end=None, first=CUT - warm, warm=warm, frames=12)
    session = RenderSession(look or Look(), screen, span=span, state=known_at_cut(walk, look))
    session.feed(own, Film())
    return session


def test_a_part_that_knows_what_was_before_is_as_if_nothing_had_been_cut() -> None:
    walk, whole, part = walking(40), Screen(), Screen(wants_picture=False)
    uncut = RenderSession(Look(), whole)
    uncut.feed(walk, Film())
    session = continued(walk, 18, part)
    assert part.faces[1:] == whole.faces[CUT:]
    assert (session.frames_done, session.frames_written, session.faces_done) == (30, 12, 12)
    assert session.state.tracks == uncut.state.tracks


def test_frames_that_are_known_are_not_read_and_change_nothing() -> None:
    walk, screen = walking(40), Screen(wants_faces=False)
    other = [msgspec.structs.replace(one, faces=()) if n < CUT else one for n, one in enumerate(walk)]
    span = Span(begins=0, start=CUT * 40, end=None, first=0, warm=CUT, frames=12)
    session, film = RenderSession(Look(), screen, span=span, state=known_at_cut(walk)), Film()
    film.read = lambda _: pytest.fail("a frame that is known was looked at")  # type: ignore[method-assign]
    session.feed(other[:CUT], film)
    assert (screen.sequences, film.released) == ([], list(range(CUT)))
    assert session.state == msgspec.structs.replace(known_at_cut(walk), frames_done=CUT)


def test_who_is_who_in_the_frame_before_a_known_cut_is_told() -> None:
    """Number 1 has left; in the frame that both parts have, number 2 is called so."""
    near, far = a_face(), Face.of(a_face().landmarks_px * np.float32(0.3), 0.9)
    film = [DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, n * 40), (near, far)[n // 3 :]) for n in range(5)]
    before, screen = RenderSession(Look(), Screen()), Screen(wants_picture=False)
    before.feed(film, Film())
    span = Span(begins=80, start=200, end=None, first=2, warm=3, frames=1)
    after = RenderSession(Look(), screen, span=span, state=before.state.counted_anew())
    after.feed(
        [DetectedFrame(CapturedFrame(FrameReference(1, n, 1), n, 80 + n * 40), (far,)) for n in range(4)], Film()
    )
    assert [[face.track for face in faces] for faces in screen.faces] == [[2], [2]]
    assert after.state.tracks.last == 2


def test_a_face_that_was_hidden_for_longer_than_a_warm_up_is_known_again() -> None:
    """Seen until 0.8 s before the cut and again 0.08 s after it: within what a session remembers."""
    walk = walking(40)
    gap = [msgspec.structs.replace(one, faces=()) if CUT - 20 <= n < CUT + 2 else one for n, one in enumerate(walk)]
    screen = Screen(wants_picture=False)
    continued(gap, 18, screen)
    assert [[face.track for face in faces] for faces in screen.faces] == [[], [], [], *[[1]] * 10]


def test_a_head_that_was_lost_before_the_cut_is_hidden_after_it() -> None:
    screen, film = Screen(), Film()
    session = RenderSession(COVER, screen, span=PART)
    session.feed([msgspec.structs.replace(one, faces=(a_face(),) if not n else (), sightings=())
                  for n, one in enumerate(of_part())], film)  # fmt: skip
    assert [int(picture.planes[0][200, 200]) for picture in screen.pictures[-4:]] == [235] * 4


def test_a_head_that_was_lost_before_a_known_cut_is_hidden_after_it() -> None:
    """In frames of which all is known nobody was watchful, nor need be."""
    before, screen = RenderSession(COVER, Screen()), Screen(wants_faces=False)
    before.feed([DetectedFrame(CapturedFrame(FrameReference(1, 0, 1), 0, 560), (a_face(),), None, ())], Film())
    session = RenderSession(COVER, screen, span=PART, state=before.state.counted_anew())
    session.feed([msgspec.structs.replace(one, sightings=None if n < 5 else ())
                  for n, one in enumerate(of_part())], Film())  # fmt: skip
    assert [int(picture.planes[0][200, 200]) for picture in screen.pictures] == [235] * 4


def test_who_is_a_person_is_known_from_the_frames_of_the_part_before() -> None:
    screen = Screen(wants_faces=False)
    look = Look(background=Background(kind="color", color="#ffffff"))
    session = RenderSession(look, screen, span=PART)
    session.feed([msgspec.structs.replace(one, people=NOBODY if n < 5 else None) for n, one in enumerate(of_part())],
                 Film())  # fmt: skip
    assert (screen.pictures[0].planes[0] == 235).all()
