"""Whatever an author's function does, it ends in pixels or in one sentence."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.render.own.effects import OwnEffect
from services.render.own.performing import Fault, perform, where_and_what
from shared.model.own_effects import EffectOffer
from visavis.effects import Effect, FaceView

VIEW = FaceView(
    rgb=np.zeros((4, 6, 3), np.uint8), landmarks=np.zeros((5, 3), np.float32), layout=5, scale=4.0, track=1,
    seconds=0.0, parts={}, find_skin=lambda: np.ones((4, 6), np.float32),
)  # fmt: skip


def performed(draw: Any) -> FaceView:
    view = replace(VIEW, rgb=VIEW.rgb.copy())
    perform(OwnEffect(Effect("glow", "Glows.", draw), EffectOffer("glow", "Glows.", ()), "a test"), view, {})
    return view


def divide(face: FaceView) -> None:
    face.rgb[:] = 1 // face.rgb.min()
    raise ZeroDivisionError("division\nby zero")


def leave(face: FaceView) -> None:
    sys.exit("bye")


def cancel(face: FaceView) -> None:
    raise asyncio.CancelledError("no")


def close(face: FaceView) -> None:
    raise GeneratorExit


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def fall_mute(face: FaceView) -> None:
    raise MuteError


def put_nothing(face: FaceView) -> None:
    object.__setattr__(face, "rgb", None)


def rebind(face: FaceView) -> None:
    face.rgb = face.rgb // 2  # type: ignore[misc]  # frozen


def write_landmarks(face: FaceView) -> None:
    face.landmarks.flags.writeable = False
    face.landmarks[0] = 0


def test_what_is_drawn_is_in_the_pixels() -> None:
    assert performed(lambda face: face.rgb.fill(9)).rgb.min() == 9


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (divide, r"test_performing\.py, line \d+: ZeroDivisionError: division by zero"),
        (leave, r"test_performing\.py, line \d+: SystemExit: bye"),
        (cancel, "CancelledError: no"),
        (close, "GeneratorExit"),
        (fall_mute, "MuteError$"),
        (put_nothing, "another shape"),
        (rebind, "FrozenInstanceError: cannot assign to field 'rgb'"),
        (write_landmarks, "read-only"),
        (lambda face: face.rgb // 2, r"returned a value \(ndarray\): change face.rgb in place"),
        (lambda face: face.parts["lips"], "KeyError: lips"),
    ],
)
def test_what_goes_wrong_is_one_sentence_with_its_place(draw: Any, said: str) -> None:
    with pytest.raises(Fault, match=said) as raised:
        performed(draw)
    assert "\n" not in str(raised.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pixels_of_another_shape_are_a_fault() -> None:
    def squeeze(face: FaceView) -> None:
        face.rgb.shape = (24, 3)

    with pytest.raises(Fault, match="another shape"):
        performed(squeeze)


def test_the_line_is_the_authors_own_and_not_that_of_what_he_called() -> None:
    with pytest.raises(Fault, match=r"test_performing\.py, line"):
        performed(lambda _: np.stack([]))


def test_a_long_message_is_cut() -> None:
    assert len(where_and_what(ValueError("x" * 10_000))) < 200
