"""From a published file to the .onnx that detect runs: pictures in, faces, landmarks or masks out, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.families import blazeface, facemesh, heatmap, pfld, scrfd, selfie, yunet
from services.detect.models.registry import Family
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detect.models.ports import Composed
    from services.detect.models.registry import Model

_DEFAULTS = {
    Family.BLAZEFACE: blazeface.compose,
    Family.FACEMESH: facemesh.compose,
    Family.SELFIE: selfie.compose,
}
_ADDED: dict[Family, Callable[[str, bytes], Composed]] = {
    Family.SCRFD: scrfd.compose,
    Family.YUNET: yunet.compose,
    Family.PFLD: pfld.compose,
    Family.HEATMAP: heatmap.compose,
}


def convert(model: Model, content: bytes) -> bytes:
    """The prepared .onnx file of a default model, whose published file is `content`; ports as in `models.ports`."""
    return _DEFAULTS[model.family](model, content)


def convert_added(family: Family, name: str, content: bytes) -> Composed:
    """The prepared file of a model of the user's, whose published .onnx is `content`.

    Raises Misconfigured if it is not what its family is, and Rejected (`unknown-family`) for a family whose models come
    only with Visavis.
    """
    if family not in _ADDED:
        known = ", ".join(_ADDED)
        raise Rejected("unknown-family", f"Models of the family {family} cannot be added; of these can: {known}.")
    return _ADDED[family](name, content)
