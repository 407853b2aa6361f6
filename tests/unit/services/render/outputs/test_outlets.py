from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from services.render.encoding.live import LiveEncoder
from services.render.outputs.outlets import Outlets
from shared.model.errors import Rejected
from shared.model.live import HlsOutput, LiveOutput, Output, RecordOutput, RtmpOutput
from tests.unit.services.render.live import encoded, facts, moving, sound_opened, sounds
from tests.unit.services.render.outputs.test_outlet import Collector

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.encoding.packets import EncodedPacket
    from tests.unit.services.render.outputs.conftest import Notices

HLS, RECORD = HlsOutput(segment_seconds=0.5), RecordOutput()


class Collectors(dict[Output, Collector]):
    """Builds them, free to run."""

    def __call__(self, output: Output) -> Collector:
        if isinstance(output, RtmpOutput):
            raise Rejected("invalid-output", "Not that one.")
        self[output] = Collector()
        self[output].let.set()
        return self[output]

    def pts(self, output: Output) -> list[int]:
        return [item.pts for item in self[output].items if hasattr(item, "key")]


@pytest.fixture
def built() -> Collectors:
    return Collectors()


def stream(frames: int, **more: object) -> tuple[LiveEncoder, list[EncodedPacket]]:
    return encoded(facts(64, 48), LiveOutput(key_interval_seconds=0.4), range(0, frames * 3600, 3600), **more)


def test_every_output_gets_everything(built: Collectors, notices: Notices) -> None:
    outlets, (encoder, packets) = Outlets(built, notices), stream(20)
    outlets.change((HLS, RECORD, HLS)).result()
    outlets.open_sound(sound_opened())
    outlets.begin(encoder.track)
    for packet in packets:
        outlets.write(packet)
    outlets.write_sound(sounds(0.1)[0])
    outlets.close(over=True).result()
    for output in (HLS, RECORD):
        assert built[output].items == [sound_opened(), encoder.track, *packets, sounds(0.1)[0], "over", "closed"]


def test_one_that_comes_later_is_told_what_it_missed_and_begins_with_a_key_frame(
    built: Collectors, notices: Notices
) -> None:
    outlets, (encoder, packets) = Outlets(built, notices), stream(30)
    outlets.open_sound(sound_opened())
    outlets.begin(encoder.track)
    outlets.change((HLS,)).result()
    for packet in packets[:12]:
        outlets.write(packet)
    outlets.change((HLS, RECORD)).result()
    for packet in packets[12:25]:
        outlets.write(packet)
    outlets.change((RECORD,)).result()
    for packet in packets[25:]:
        outlets.write(packet)
    outlets.close(over=True).result()
    assert built[RECORD].items == [sound_opened(), encoder.track, *packets[20:], "over", "closed"]
    assert built[HLS].items[-1] == "closed"
    assert len(built.pts(HLS)) == 25


def test_a_key_frame_is_wanted_once_by_one_that_waits_and_when_a_segment_is_due(
    built: Collectors, notices: Notices
) -> None:
    outlets, encoder = Outlets(built, notices), LiveEncoder(facts(64, 48), LiveOutput(key_interval_seconds=60), 1)
    outlets.begin(encoder.track)
    outlets.change((HLS,)).result()
    keys = []
    for number in range(40):
        key = outlets.wants_key(3600 * number)
        assert not outlets.wants_key(3600 * number) or not key
        for packet in encoder.encode(moving(facts(64, 48), number), 3600 * number, 3600, key=key):
            keys += [number] if packet.key else []
            outlets.write(packet)
        if number == 20:
            outlets.change((HLS, RECORD)).result()
    outlets.close(over=True).result()
    assert keys == [0, 12, 21, 24, 36]  # half a second, to half a frame, and once for the recording
    assert built.pts(RECORD)[0] == 21 * 3600


def test_without_outputs_no_key_frame_is_wanted(built: Collectors, notices: Notices) -> None:
    outlets = Outlets(built, notices)
    outlets.begin(stream(1)[0].track)
    assert not outlets.wants_key(0)


def test_one_that_fails_or_cannot_be_made_harms_no_other(built: Collectors, notices: Notices) -> None:
    outlets, (encoder, packets) = Outlets(built, notices), stream(20)
    outlets.change((RtmpOutput(url="rtmp://host/app/name"), HLS, RECORD)).result()
    built[HLS]._error = OSError("broken")
    outlets.begin(encoder.track)
    for packet in packets:
        outlets.write(packet)
    until(lambda: "output-failed" in notices.kinds)
    outlets.close(over=True).result()
    assert notices.kinds == ["output-refused", "output-failed"]
    assert len(built.pts(RECORD)) == 20


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_what_has_failed_is_made_anew_by_a_change_that_names_it(built: Collectors, notices: Notices) -> None:
    outlets, (encoder, packets) = Outlets(built, notices), stream(20)
    outlets.begin(encoder.track)
    outlets.change((HLS, RECORD)).result()
    first, kept = built[HLS], built[RECORD]
    first._error = OSError("broken")
    outlets.write(packets[0])
    until(lambda: "output-failed" in notices.kinds)
    outlets.change((HLS, RECORD)).result()
    for packet in packets[1:]:
        outlets.write(packet)
    outlets.close(over=True).result()
    assert (built[HLS] is first, built[RECORD] is kept) == (False, True)
    assert built.pts(HLS)[0] == 10 * 3600
    assert len(built.pts(RECORD)) == 20


def test_of_changes_that_wait_only_the_newest_is_made(built: Collectors, notices: Notices) -> None:
    outlets = Outlets(built, notices)
    with outlets._turn:
        changes = [outlets.change(wish) for wish in ((RECORD,), (HLS, RECORD), (HLS,))]
    for change in changes:
        change.result(10)
    assert list(built) == [HLS]
    outlets.close(over=True).result(10)


def test_after_the_end_nothing_is_made(built: Collectors, notices: Notices) -> None:
    outlets = Outlets(built, notices)
    outlets.close(over=False).result(10)
    outlets.change((HLS,)).result(10)
    assert built == {}


OTHER_HLS = HlsOutput(segment_seconds=0.5, window=9)


def test_a_playlist_has_one_writer_at_a_time_and_a_recording_does_not_wait_for_it(
    built: Collectors, notices: Notices
) -> None:
    outlets = Outlets(built, notices)
    outlets.begin(stream(1)[0].track)
    outlets.change((HLS,)).result(10)
    built[HLS].let.clear()
    outlets.open_sound(sound_opened())  # which it now waits with
    changed = outlets.change((OTHER_HLS, RECORD))
    until(lambda: RECORD in built)
    assert OTHER_HLS not in built
    built[HLS].let.set()
    changed.result(10)
    assert OTHER_HLS in built
    outlets.close(over=False).result(10)
    assert [built[output].items[-1] for output in (HLS, OTHER_HLS)] == ["closed", "closed"]
    assert "over" not in built[HLS].items + built[OTHER_HLS].items


def test_what_is_taken_away_is_over(built: Collectors, notices: Notices) -> None:
    outlets = Outlets(built, notices)
    outlets.change((HLS, RECORD)).result(10)
    outlets.change((RECORD,)).result(10)
    assert built[HLS].items == ["over", "closed"]
    outlets.close(over=False).result(10)
    assert built[RECORD].items == ["closed"]
