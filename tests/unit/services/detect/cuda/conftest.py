"""What the tests of detect's CUDA forms share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.detect.cuda.pictures import CardView
from services.detect.engine import CPU
from services.detect.finding import FaceFinder
from services.detect.models.registry import BLAZEFACE, FACE_MESH_NAME
from services.detect.opening import open_models
from services.detect.providers import provision
from services.detect.upside_down import EitherWayUp
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.devices import BOTH, opened
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detect.engine import Provider
    from shared.cuda.device import Device
    from tests.cuda.devices import Kind

PORTRAIT = "portrait"
"""A person who moves to the right by four pixels a frame."""
CUDA = provision("cuda", lambda _: "", threads=1, cache=Path()).entries


@pytest.fixture(params=BOTH, scope="session")
def device(request: pytest.FixtureRequest) -> Device:
    kind: Kind = request.param
    return opened(kind)


@pytest.fixture(scope="session")
def providers(device: Device) -> tuple[Provider, ...]:
    """What computes where the device's memory is."""
    return CPU if device.memory == "cpu" else CUDA


@pytest.fixture(scope="session")
def card_finder(models_folder: Path, device: Device, providers: tuple[Provider, ...]) -> FaceFinder:
    """On a real card it is made ready for its shapes, as in a service; emulated, it sees each picture in the shape that
    the host sees it in, so that both can be compared number by number."""
    models = open_models(models_folder, providers=providers, devices=[device])
    if device.memory != "cpu":
        models.warm_up()
    return FaceFinder(EitherWayUp(models.detector(BLAZEFACE)), models.landmarker(FACE_MESH_NAME))


@pytest.fixture(scope="session")
def portrait() -> Any:
    """The sample portrait, RGB uint8 [720, 1280, 3]."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(portrait_jpeg(), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="session")
def scene(clip: Callable[[str, int], list[Picture]], portrait: Any) -> Callable[[str, int], list[Picture]]:
    """The first frames of a real clip, by its file name, or of PORTRAIT, which is at hand wherever there is none."""

    def read(name: str, count: int) -> list[Picture]:
        if name != PORTRAIT:
            return clip(name, count)
        return [_i420(np.roll(portrait, 4 * number, axis=1)) for number in range(count)]

    return read


def _i420(pixels: Any) -> Picture:
    planes = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2YUV_I420)
    return Picture.over(Geometry(PixelFormat.I420, pixels.shape[1], pixels.shape[0]), Colour(), planes.reshape(-1))


@pytest.fixture(scope="session")
def shown(device: Device) -> Callable[[Picture], CardView]:
    """A picture of the host as a card's decoder would give it."""

    def upload(picture: Picture) -> CardView:
        luma, *chroma = picture.planes
        geometry = picture.geometry
        if geometry.format is PixelFormat.I420:
            geometry = Geometry(PixelFormat.NV12, geometry.width, geometry.height)
            picture = Picture(geometry, picture.colour, (luma, np.stack(chroma, axis=-1)))
        return CardView(CardPicture.uploaded(device, picture), device)

    return upload
