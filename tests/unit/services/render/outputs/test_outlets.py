from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from services.render.live_encoding import LiveEncoder
from services.render.outputs.outlets import Outlets
from shared.model.errors import Rejected
from shared.model.live import HlsOutput, LiveOutput, Output, RecordOutput, RtmpOutput
from tests.unit.services.render.live import encoded, facts, moving, sound_opened, sounds
from tests.unit.services.render.outputs.test_outlet import Collector

if TYPE_CHECKING:
    from services.render.packets import EncodedPacket
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
    outlets.change((HLS, RECORD, HLS))
    outlets.open_sound(sound_opened())
    outlets.begin(encoder.track)
    for packet in packets:
        outlets.write(packet)
    outlets.write_sound(sounds(0.1)[0])
    outlets.close()
    for output in (HLS, RECORD):
        assert built[output].items == [sound_opened(), encoder.track, *packets, sounds(0.1)[0], "closed"]


def test_one_that_comes_later_is_told_what_it_missed_and_begins_with_a_key_frame(
    built: Collectors, notices: Notices
) -> None:
    outlets, (encoder, packets) = Outlets(built, notices), stream(30)
    outlets.open_sound(sound_opened())
    outlets.begin(encoder.track)
    outlets.change((HLS,))
    for packet in packets[:12]:
        outlets.write(packet)
    outlets.change((HLS, RECORD))
    for packet in packets[12:25]:
        outlets.write(packet)
    outlets.change((RECORD,))
    for packet in packets[25:]:
        outlets.write(packet)
    outlets.close()
    assert built[RECORD].items == [sound_opened(), encoder.track, *packets[20:], "closed"]
    assert built[HLS].items[-1] == "closed"
    assert len(built.pts(HLS)) == 25


def test_a_key_frame_is_wanted_once_by_one_that_waits_and_when_a_segment_is_due(
    built: Collectors, notices: Notices
) -> None:
    outlets, encoder = Outlets(built, notices), LiveEncoder(facts(64, 48), LiveOutput(key_interval_seconds=60), 1)
    outlets.begin(encoder.track)
    outlets.change((HLS,))
    keys = []
    for number in range(40):
        key = outlets.wants_key(3600 * number)
        assert not outlets.wants_key(3600 * number) or not key
        for packet in encoder.encode(moving(facts(64, 48), number), 3600 * number, 3600, key=key):
            keys += [number] if packet.key else []
            outlets.write(packet)
        if number == 20:
            outlets.change((HLS, RECORD))
    outlets.close()
    assert keys == [0, 12, 21, 24, 36]  # half a second, to half a frame, and once for the recording
    assert built.pts(RECORD)[0] == 21 * 3600


def test_without_outputs_no_key_frame_is_wanted(built: Collectors, notices: Notices) -> None:
    outlets = Outlets(built, notices)
    outlets.begin(stream(1)[0].track)
    assert not outlets.wants_key(0)


def test_one_that_fails_or_cannot_be_made_harms_no_other(built: Collectors, notices: Notices) -> None:
    outlets, (encoder, packets) = Outlets(built, notices), stream(20)
    outlets.change((RtmpOutput(url="rtmp://host/app/name"), HLS, RECORD))
    built[HLS]._error = OSError("broken")
    outlets.begin(encoder.track)
    for packet in packets:
        outlets.write(packet)
    until_failed(outlets)
    counts = {count.output: count for count in outlets.counts()}
    outlets.close()
    assert notices.kinds == ["output-refused", "output-failed"]
    assert counts[HLS].failed
    assert len(built.pts(RECORD)) == 20


def until_failed(outlets: Outlets) -> None:
    end = time.monotonic() + 10
    while not any(count.failed for count in outlets.counts()):
        assert time.monotonic() < end
        time.sleep(0.001)
