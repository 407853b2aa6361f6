"""Faces and pictures to draw on: real ones where ../shared lies, and a painted one that is always there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.topology import FACE_OVAL, LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE
from shared.model.faces import Face
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

SHARED = Path(__file__).parents[5] / "shared"


@dataclass(frozen=True)
class Scene:
    """A picture and the faces in it."""

    picture: Picture
    faces: tuple[Face, ...]

    def copy(self) -> Picture:
        target = Picture.blank(self.picture.geometry, self.picture.colour)
        self.picture.copy_to(target)
        return target

    def drawn(self, look: Look, faces: tuple[Face, ...] | None = None) -> Picture:
        """A copy with the look drawn on the faces, or on others."""
        target = self.copy()
        Painter().draw(self.picture, target, self.faces if faces is None else faces, look)
        return target

    def inside(self, ring: tuple[int, ...], subsampling: int = 1) -> np.ndarray:
        """True for the samples of a plane within a ring of the first face's landmarks."""
        g = self.picture.geometry
        mask = np.zeros((g.height, g.width), np.uint8)
        cv2.fillPoly(mask, [np.rint(self.faces[0].landmarks_px[list(ring), :2]).astype(np.int32)], 1)
        return mask[::subsampling, ::subsampling].astype(bool)


def _clip(name: str) -> tuple[list[Picture], dict[int, tuple[Face, ...]]]:
    if not (SHARED / "golden" / f"{Path(name).stem}.npz").exists():
        pytest.skip("real faces lie in ../shared, which is not here")
    with av.open(str(SHARED / "media" / name)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(video=0)]
    height, width = frames[0].shape[0] * 2 // 3, frames[0].shape[1]
    geometry = Geometry(PixelFormat.I420, width, height)
    golden = np.load(SHARED / "golden" / f"{Path(name).stem}.npz")
    faces: dict[int, tuple[Face, ...]] = {}
    for number, mesh in zip(golden["mesh_frame"].tolist(), golden["mesh"], strict=True):
        faces[number] = (*faces.get(number, ()), Face.of(mesh, 1.0))
    return [Picture.over(geometry, Colour(), frame.reshape(-1)) for frame in frames], faces


@pytest.fixture(scope="session", params=["signer_plain.mkv", "signer_occluded.mkv", "two_heads.mp4"])
def clip(request: pytest.FixtureRequest) -> list[Scene]:
    """Every frame of a real clip that has faces."""
    pictures, faces = _clip(request.param)
    return [Scene(pictures[number], found) for number, found in faces.items() if number < len(pictures)]


@pytest.fixture(scope="session")
def real() -> Scene:
    """One real frame with one face."""
    pictures, faces = _clip("signer_plain.mkv")
    return Scene(pictures[5], faces[5])


@pytest.fixture(scope="session")
def mesh() -> np.ndarray:
    """[468, 3] float32: landmarks of a face that looks ahead, made so that a face is some 200 pixels wide."""
    _, faces = _clip("signer_plain.mkv")
    points = faces[5][0].landmarks_px.copy()
    points -= points.mean(axis=0)
    return points * np.float32(200 / np.ptp(points[:, 0]))


class Studio:
    """Paints a face with textured skin, dark eyes and brows, red lips and striped ground around its landmarks."""

    def __init__(self, mesh: np.ndarray) -> None:
        self.mesh = mesh

    def cheek(self, scene: Scene) -> tuple[slice, slice]:
        """Rows and columns of a patch of bare skin of a scene's luma."""
        x, y = (int(v) for v in scene.faces[0].landmarks_px[50, :2])
        return slice(y - 8, y + 8), slice(x - 8, x + 8)

    def face(self, x: float, y: float, scale: float = 1.0) -> Face:
        return Face.of((self.mesh * scale + np.array((x, y, 0))).astype(np.float32), 1.0)

    def scene(
        self,
        width: int = 360,
        height: int = 380,
        layout: PixelFormat = PixelFormat.I420,
        *,
        full_range: bool = False,
        skin: tuple[int, int, int] = (205, 150, 125),
    ) -> Scene:
        face = self.face(width / 2, height / 2)
        rgb = self._painted(face, width, height, skin)
        picture = Picture.blank(Geometry(layout, width, height), Colour(full_range=full_range))
        if layout is PixelFormat.RGB24:
            picture.planes[0][...] = rgb
            return Scene(picture, (face,))
        ycc = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
        if not full_range:
            ycc = np.rint(16 + ycc * (219 / 255)).astype(np.uint8)
        picture.planes[0][...] = ycc[:, :, 0]
        rows, columns = picture.planes[1].shape
        for plane, channel in ((1, 2), (2, 1)):
            picture.planes[plane][...] = ycc[::2, ::2, channel][:rows, :columns]
        return Scene(picture, (face,))

    def _painted(self, face: Face, width: int, height: int, skin: tuple[int, int, int]) -> np.ndarray:
        noise = np.random.default_rng(7)
        stripes = 90 + 60 * (np.arange(width)[None, :] // 7 % 2) + np.zeros((height, 1))
        rgb = np.repeat(stripes[..., None], 3, axis=-1).astype(np.uint8)
        for ring, colour in (
            (FACE_OVAL, skin),
            *((ring, (60, 45, 40)) for ring in (RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW)),
            (LIPS, (170, 70, 80)),
        ):
            cv2.fillPoly(rgb, [np.rint(face.landmarks_px[list(ring), :2]).astype(np.int32)], colour)
        grain = noise.normal(0, 5, (height, width, 1))
        return np.clip(rgb + grain, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def studio(mesh: np.ndarray) -> Studio:
    return Studio(mesh)
