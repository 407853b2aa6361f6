"""What another process finds out about a card's encoders, and what is believed where that process fails."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import av.logging
import msgspec
import pytest

from services.render.nvenc import probe as nvenc_probe
from services.render.nvenc.probe import MODULE, NO_NVENC, Encoders, found, refused_by, wanted
from services.render.nvenc.settings import QUANTISERS
from shared.cuda.card import Card
from shared.model.errors import Misconfigured
from shared.model.live import LiveCodec
from tests.cuda.devices import MISSING
from tests.cuda.emulated import EmulatedCard
from tests.cuda.nvenc_stand_in import stand_in

if TYPE_CHECKING:
    from shared.cuda.device import Device

ALL = frozenset(QUANTISERS)


def python(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


def test_what_the_other_process_says_is_taken() -> None:
    encoders = found(3, python("import sys; print('Hello'); print('{\"av1\": \"no ' + sys.argv[1] + '\"}')"))
    assert encoders.codecs == {LiveCodec.H264, LiveCodec.HEVC}
    assert encoders.why_not == "Not all of the card's encoders are used: av1: no 3."
    assert found(0, python("print('{}')")) == Encoders({})
    assert found(0, python("print('Hello'); print('{}'); print('Good bye')")) == Encoders({})


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended with -11 (no word)"),
        ("raise SystemExit('The card 0 cannot be used.')", "ended with 1 (The card 0 cannot be used.)"),
        ("", "said what cannot be read"),
        ("print('nonsense')", "said what cannot be read"),
        ("print('{\"vp9\": 1}')", "said what cannot be read"),
    ],
)
def test_where_it_dies_or_talks_nonsense_nothing_is_used(program: str, said: str) -> None:
    encoders = found(0, python(program))
    assert encoders.codecs == frozenset()
    assert said in encoders.why_not


def test_where_it_does_not_answer_nothing_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvenc_probe, "SECONDS", 0.2)
    encoders = found(0, python("import time; time.sleep(600)"))
    assert (encoders.codecs, "did not answer" in encoders.why_not) == (frozenset(), True)
    assert "did not answer" in found(0, ("/nowhere/at/all",)).why_not


def test_nobody_waits_for_what_cannot_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(nvenc_probe, "SECONDS", 0.2)
    monkeypatch.setattr(nvenc_probe, "KILLED_SECONDS", 0.2)

    def survive(process: subprocess.Popen[bytes]) -> None:
        hanging.append(process)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "kill", survive)
        said = found(0, python("import time; time.sleep(600)")).why_not
    [process] = hanging
    try:
        assert process.poll() is None
        assert "did not answer" in said
    finally:
        process.kill()
        process.wait()


def test_where_other_words_end_without_a_line_the_answer_is_read(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(nvenc_probe, "Card", lambda _: EmulatedCard())
    monkeypatch.setattr(nvenc_probe, "refused_by", lambda _: {LiveCodec.AV1: "no"})
    levels = list[int | None]()
    monkeypatch.setattr(av.logging, "set_level", levels.append)  # it would stay so for all tests
    nvenc_probe.main("0")
    assert levels == [av.logging.ERROR]
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b'\n{"av1":"no"}\n'


def test_one_reason_for_all_is_said_once() -> None:
    assert Encoders.none("it has no NVENC").why_not == "The card's encoders are not used: it has no NVENC."
    both = Encoders({LiveCodec.HEVC: "a", LiveCodec.AV1: "b"})
    assert both.codecs == {LiveCodec.H264}
    assert both.why_not == "Not all of the card's encoders are used: hevc: a; av1: b."
    assert Encoders({}).why_not == ""


def test_the_setting_decides_whether_it_is_asked_and_what_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    some = Encoders({LiveCodec.AV1: "no"})
    monkeypatch.setattr(nvenc_probe, "found", lambda number: asked.append(number) or some)
    assert wanted("live", 3) == wanted("always", 3) == some
    assert asked == [3, 3]
    assert wanted("never", 3).why_not == "The card's encoders are not used: VISAVIS_NVENC is `never`."
    assert wanted("live", None).codecs == frozenset()
    with pytest.raises(Misconfigured, match="nothing is drawn on a card here"):
        wanted("always", None)
    monkeypatch.setattr(nvenc_probe, "found", lambda _: Encoders({LiveCodec.H264: "it is out of order"}))
    assert wanted("live", 3).codecs == {LiveCodec.HEVC, LiveCodec.AV1}
    with pytest.raises(Misconfigured, match="h264: it is out of order"):
        wanted("always", 3)
    assert asked == [3, 3]


def test_the_trial_decides_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    device: Device = EmulatedCard()
    failed = refused_by(device)
    assert failed.keys() == ALL
    assert NO_NVENC not in failed.values()
    trial = nvenc_probe.why_not
    monkeypatch.setattr(nvenc_probe, "why_not", lambda codec, device: trial(codec, device, stand_in))
    assert refused_by(device) == {}


def test_a_card_whose_library_supports_it_for_no_codec_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "OpenEncodeSessionEx failed: unsupported device (2): (no details)"  # an H200
    monkeypatch.setattr(nvenc_probe, "why_not", lambda *_: said)
    assert refused_by(EmulatedCard()) == dict.fromkeys(QUANTISERS, NO_NVENC)
    monkeypatch.setattr(nvenc_probe, "why_not", lambda codec, _: "" if codec is LiveCodec.H264 else said)
    assert refused_by(EmulatedCard()) == {LiveCodec.HEVC: said, LiveCodec.AV1: said}


@pytest.mark.skipif(not MISSING, reason="there is a card")
def test_without_a_card_the_process_says_so() -> None:
    encoders = found(0)
    assert encoders.codecs == frozenset()
    assert "cannot be used" in encoders.why_not


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_real_card_says_of_each_codec_what_it_can_be_used_for() -> None:
    assert nvenc_probe.__name__ == MODULE
    encoders = found(0)
    assert encoders.codecs | encoders.refused.keys() == ALL
    assert all(encoders.refused.values())
    assert "what tries its encoders" not in encoders.why_not
    av.logging.set_level(av.logging.ERROR)  # as the other process does, so that errors say as much here
    try:
        refused = refused_by(Card())
    finally:
        av.logging.set_level(None)
    assert msgspec.json.encode(encoders.refused) == msgspec.json.encode(refused)
