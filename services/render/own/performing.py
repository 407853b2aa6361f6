"""Calls what an author has written, and turns whatever goes wrong in there into one sentence."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.own.effects import OwnEffect
    from shared.model.own_effects import OwnValues
    from visavis.effects import FaceView

_LONGEST = 160
"""Characters of an author's own message."""


class Fault(Exception):  # noqa: N818  -- not Visavis failed, and the frame is drawn all the same
    """An effect did not do what it should; the text says where and what."""


def perform(own: OwnEffect, view: FaceView, values: OwnValues) -> None:
    """Have an effect draw on `view.rgb`. Raises Fault; what the pixels are then is not known."""
    shape = view.rgb.shape
    draw: Callable[..., object] = own.effect.draw
    try:
        returned = draw(view, **own.arguments(values))
        drawn = isinstance(view.rgb, np.ndarray) and view.rgb.shape == shape and view.rgb.dtype == np.uint8
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # others' code raises what it likes, CancelledError too
        raise Fault(where_and_what(error, file_of(own))) from error
    if returned is not None:
        kind = type(returned).__name__
        raise Fault(f"draw returned a value ({kind}): change face.rgb in place, as by face.rgb[...] = picture")
    if not drawn:
        raise Fault("draw gave face.rgb another shape: change its pixels only")


def file_of(own: OwnEffect) -> str:
    """The file that an effect's function stands in; empty where that is not known."""
    code = getattr(inspect.unwrap(own.effect.draw), "__code__", None)
    return code.co_filename if code is not None else ""


def where_and_what(error: BaseException, file: str = "") -> str:
    """`freckles.py, line 12: ZeroDivisionError: division by zero`: the innermost line of that file, if it has one."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {error.msg}"
    lines = traceback.extract_tb(error.__traceback__)
    inner = next((line for line in reversed(lines) if line.filename == file), lines[-1] if lines else None)
    said = _said(error)
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return f"{Path(inner.filename).name}, line {inner.lineno}: {what}" if inner else what


def _said(error: BaseException) -> str:
    """An author's own message, shortened; empty where even that raises."""
    try:
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    except Exception:  # noqa: BLE001  -- others' code raises what it likes
        return ""
    return " ".join(text.split())[:_LONGEST]
