"""Faces and pictures to draw on: real ones where ../shared lies, and a painted one that is always there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import onnxruntime
import pytest

from services.detect.finding import FaceFinder
from services.render.colouring import Colouring
from services.render.drawing import Painter
from services.render.effects.frame.background import as_picture
from services.render.layouts.frontal import INNER, five, frontal
from services.render.layouts.ibug import STATIONS
from services.render.moment import Moment
from services.render.recipe import Recipe
from services.render.region import Scratch
from services.render.shape import FaceShape
from shared.model.assets import PreparedLut, PreparedPicture
from shared.model.colours import rgb_of_yuv, steps_of, unit_rgb_of_yuv
from shared.model.faces import Face, Layout
from shared.model.looks import Look
from shared.model.parts import Part
from shared.model.pictures import Colour, Geometry, Matrix, Picture, PixelFormat
from tests.models import prepared_models
from tests.unit.services.render.pictures import prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.assets import Prepared
    from shared.model.effects import Background

RIGHT_SIDE = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148)
LEFT_SIDE = (454, 323, 361, 288, 397, 365, 379, 378, 400, 377)
"""Landmarks of the mesh along the jaw."""
LOWER_LIP = (95, 88, 178, 87, 14, 317, 402, 318, 324, 146, 91, 181, 84, 17, 314, 405, 321, 375)
"""Landmarks of the mesh along both edges of the lower lip."""
SHARED = Path(__file__).parents[5] / "shared"


def pixels(face: Face, part: Part) -> np.ndarray:
    """[m, 2] int32: a part of a face, rounded."""
    shape = FaceShape.of(face)
    assert shape is not None
    return np.rint(shape.part(part)).astype(np.int32)


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
        Painter().draw(target, self.faces if faces is None else faces, look)
        return target

    def enlarged(self, times: int) -> Scene:
        """The same, so many times as large."""
        g = self.picture.geometry
        picture = Picture.blank(Geometry(g.format, g.width * times, g.height * times), self.picture.colour)
        for small, large in zip(self.picture.planes, picture.planes, strict=True):
            cv2.resize(small, large.shape[1::-1], large, interpolation=cv2.INTER_CUBIC)
        centre = (np.array((1, 1, 0), np.float32) * (times - 1)) / 2
        faces = (Face.of((face.landmarks_px * times + centre).astype(np.float32), 1.0) for face in self.faces)
        return Scene(picture, tuple(faces))

    def seen_by(self, layout: Layout) -> Scene:
        """The same faces, of a mesh here, in another layout."""
        return Scene(self.picture, tuple(Face.of(TAKEN[layout](face.landmarks_px), 1.0) for face in self.faces))

    def inside(self, part: Part, subsampling: int = 1) -> np.ndarray:
        """True for the samples of a plane within a part of the first face."""
        g = self.picture.geometry
        mask = np.zeros((g.height, g.width), np.uint8)
        cv2.fillPoly(mask, [pixels(self.faces[0], part)], 1)
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


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    """What detect finds faces with."""
    return FaceFinder.load(prepared_models())


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
    """[468, 3] float32: landmarks of a face that looks ahead, 200 pixels wide, with an open mouth."""
    points = frontal(Layout.MESH) * np.float32(200)
    points[list(LOWER_LIP), 1] += 14
    return points


@pytest.fixture(scope="session")
def layouts(mesh: np.ndarray) -> dict[Layout, Face]:
    """The same face in every layout, by the landmarks of the mesh that lie where the others have theirs."""
    return {layout: Face.of(taken(mesh), 1.0) for layout, taken in TAKEN.items()}


def sixty_eight(mesh: np.ndarray) -> np.ndarray:
    """[68, 3] float32 by the mark-up of iBUG 300-W."""
    lines = ((127, *RIGHT_SIDE, 152), (356, *LEFT_SIDE, 152))
    stops = (-0.2, 0.7, *STATIONS, 8)
    right, left = (
        np.stack([np.interp(range(9), stops, mesh[list(line), axis]) for axis in range(3)], 1) for line in lines
    )
    return np.concatenate([right, left[-2::-1], mesh[list(INNER)]]).astype(np.float32)


TAKEN = {Layout.MESH: np.array, Layout.IBUG: sixty_eight, Layout.FIVE: five}
"""The points of each layout from those of a mesh."""


@pytest.fixture(scope="session")
def regressed(clip: list[Scene]) -> list[tuple[Scene, Scene]]:
    """Some frames of a real clip, by the mesh and by the 68 points of a PFLD regressor."""
    model = SHARED / "models" / "pfld_68.onnx"
    if not model.exists():
        pytest.skip("a 68-point regressor lies in ../shared, which is not here")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    network = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return [
        (scene, Scene(scene.picture, tuple(_regressed(network, scene.picture, face) for face in scene.faces)))
        for scene in clip[::9]
    ]


def _regressed(network: onnxruntime.InferenceSession, picture: Picture, face: Face) -> Face:
    """The regressor takes RGB in 0..1, 112 pixels square, 1.2 times as large as the points from brows to chin."""
    around = sixty_eight(face.landmarks_px)[:, :2].astype(np.float32)
    across = five(face.landmarks_px)[1, :2] - five(face.landmarks_px)[0, :2]
    turn = across / np.linalg.norm(across)
    upright = around @ np.array([(turn[0], -turn[1]), (turn[1], turn[0])])
    low, high = upright.min(axis=0), upright.max(axis=0)
    times = 112 / (1.2 * (high - low).max())
    matrix = np.array([(turn[0], turn[1], 0), (-turn[1], turn[0], 0)]) * times
    matrix[:, 2] = 56 - times * (low + high) / 2
    rgb = cv2.cvtColor(
        np.concatenate([plane.ravel() for plane in picture.planes]).reshape(-1, picture.geometry.width),
        cv2.COLOR_YUV2RGB_I420,
    )
    crop = cv2.warpAffine(rgb, matrix, (112, 112)).astype(np.float32).transpose(2, 0, 1)[None] / 255
    (found,) = network.run(None, {"input": crop})
    back = cv2.invertAffineTransform(matrix)
    points = found.reshape(68, 2) * 112 @ back[:, :2].T + back[:, 2]
    return Face.of(np.hstack([points, np.zeros((68, 1))]).astype(np.float32), 1.0)


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
        for part, colour in (
            (Part.OVAL, skin),
            *((part, (60, 45, 40)) for part in (Part.RIGHT_EYE, Part.LEFT_EYE, Part.RIGHT_BROW, Part.LEFT_BROW)),
            (Part.LIPS, (170, 70, 80)),
            (Part.MOUTH, (215, 205, 180)),
        ):
            cv2.fillPoly(rgb, [pixels(face, part)], colour)
        for wing, corner in zip(pixels(face, Part.NOSE_WINGS), pixels(face, Part.MOUTH_CORNERS), strict=True):
            middle = (wing + corner) // 2 + (np.sign(corner - wing) * (6, 0)).astype(int)
            cv2.polylines(rgb, [np.stack([wing, middle, corner])], False, tuple(int(v * 0.8) for v in skin), 2)
        grain = noise.normal(0, 5, (height, width, 1))
        return np.clip(rgb + grain, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def studio(mesh: np.ndarray) -> Studio:
    return Studio(mesh)


def gradient(
    width: int = 256,
    height: int = 192,
    layout: PixelFormat = PixelFormat.I420,
    colour: Colour = Colour(),  # noqa: B008  -- frozen
) -> Picture:
    """Every luma from left to right, and colours that turn from top to bottom: within the nominal range, no noise."""
    picture = Picture.blank(Geometry(layout, width, height), colour)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    turn, luma = 2 * np.pi * rows / height, columns / max(1, width - 1)
    strength = 0.12 * np.sin(np.pi * luma)
    planes = (luma, strength * np.cos(turn), strength * np.sin(turn))
    if layout is PixelFormat.RGB24:
        rgb = np.stack(planes, -1) @ unit_rgb_of_yuv(Matrix.BT601).T
        picture.planes[0][...] = np.rint(np.clip(rgb, 0, 1) * 255)
        return picture
    black, luma_steps, chroma_steps = steps_of(colour)
    picture.planes[0][...] = np.rint(luma * luma_steps + black)
    for plane, chroma in zip(picture.planes[1:], planes[1:], strict=True):
        plane[...] = np.rint(chroma[::2, ::2] * chroma_steps + 128)
    return picture


def developed(picture: Picture, recipe: Recipe) -> list[np.ndarray]:
    """What a recipe makes of each sample, in floating point; chroma is that of its pixels' mean luma."""
    if picture.geometry.format is PixelFormat.RGB24:
        matrix = unit_rgb_of_yuv(Matrix.BT601).astype(np.float32)
        unit = picture.planes[0].reshape(-1, 3) / np.float32(255) @ np.linalg.inv(matrix).T
        rgb = recipe.developed(unit, Matrix.BT601) @ matrix.T * 255
        return [np.clip(rgb, 0, 255).reshape(picture.planes[0].shape)]
    y, cb, cr = picture.planes
    black, luma_steps, chroma_steps = steps_of(picture.colour)
    even = np.pad(y, [(0, side % 2) for side in y.shape], mode="edge").astype(np.float32)
    means = even.reshape(cb.shape[0], 2, cb.shape[1], 2).mean(axis=(1, 3))

    def of(*planes: np.ndarray) -> np.ndarray:
        low, steps = np.array((black, 128, 128)), np.array((luma_steps, chroma_steps, chroma_steps))
        unit = ((np.stack(planes, -1).reshape(-1, 3) - low) / steps).astype(np.float32)
        drawn = recipe.developed(unit, picture.colour.matrix) * steps + low
        return drawn.reshape(*planes[0].shape, 3)

    wide = (plane.repeat(2, 0).repeat(2, 1)[: y.shape[0], : y.shape[1]] for plane in (cb, cr))
    return [of(y, *wide)[..., 0], *np.moveaxis(of(means, cb, cr)[..., 1:], -1, 0)]


def a_lut(size: int = 17) -> PreparedLut:
    """Warm lights, cold shadows, less green."""
    steps = np.linspace(0, 1, size)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    table = np.stack([red**0.85, 0.05 + 0.85 * green**1.1, 0.1 + 0.8 * blue - 0.05 * red], axis=-1)
    return PreparedLut(size=size, body=table.astype("<f4").tobytes())


KINDS = {
    "limited": (PixelFormat.I420, Colour()),
    "full range": (PixelFormat.I420, Colour(full_range=True)),
    "BT.709": (PixelFormat.I420, Colour(matrix=Matrix.BT709)),
    "rgb24": (PixelFormat.RGB24, Colour(full_range=True)),
}
"""Layouts and what their numbers mean."""


@pytest.fixture(params=KINDS)
def frame_of(request: pytest.FixtureRequest) -> Callable[[int, int], Picture]:
    """Makes gradients of one kind, by width and height."""
    layout, colour = KINDS[request.param]
    return lambda width, height: gradient(width, height, layout, colour)


@pytest.fixture(params=[name for name, (layout, _) in KINDS.items() if layout is PixelFormat.I420])
def video_of(request: pytest.FixtureRequest) -> Callable[[int, int], Picture]:
    """The same of videos only."""
    layout, colour = KINDS[request.param]
    return lambda width, height: gradient(width, height, layout, colour)


class Colourist:
    """Draws colour settings, and says what they are to come to."""

    ASSET = "0" * 32

    def __init__(self) -> None:
        self.assets: dict[str, Prepared] = {self.ASSET: a_lut()}

    def drawn(self, picture: Picture, look: Look) -> Picture:
        target = Picture.blank(picture.geometry, picture.colour)
        picture.copy_to(target)
        Colouring(self.assets).draw(target, look, Scratch())
        return target

    def errors(self, picture: Picture, look: Look) -> list[np.ndarray]:
        """Levels by which each sample is off what it is to be."""
        exact = developed(picture, Recipe.of(look, self.assets))
        drawn = self.drawn(picture, look).planes
        return [np.abs(one - other) for one, other in zip(drawn, exact, strict=True)]


@pytest.fixture
def colourist() -> Colourist:
    return Colourist()


@pytest.fixture(name="gradient")
def _gradient() -> Callable[..., Picture]:
    return gradient


@pytest.fixture
def a_picture() -> PreparedPicture:
    """A picture of 30 x 20 pixels: red on the left, blue on the right, a clear row on top."""
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[:, :15, 0], rgba[:, 15:, 2], rgba[1:, :, 3] = 220, 220, 255
    return prepared(rgba)


class Silhouette:
    """Somebody with sharp edges before a plain wall, and the coarse mask that a segmentation would give."""

    PERSON, WALL = (205, 125, 95), (30, 70, 120)
    """Red, green, blue."""

    def __init__(self, layout: PixelFormat, colour: Colour, width: int = 321, height: int = 243) -> None:
        rows, columns = np.mgrid[:height, :width]
        self.inside = np.hypot((columns - width * 0.5) / (width * 0.22), (rows - height * 0.6) / (height * 0.35)) < 1
        grain = np.random.default_rng(5).normal(0, 2, (height, width, 1))
        rgb = np.clip(np.where(self.inside[..., None], self.PERSON, self.WALL) + grain, 0, 255).astype(np.uint8)
        self.picture = as_picture(rgb, Picture.blank(Geometry(layout, width, height), colour))
        coarse = cv2.resize(self.inside.astype(np.uint8) * 255, (48, 48), interpolation=cv2.INTER_AREA)
        self.mask = cv2.GaussianBlur(coarse, (3, 3), 0)

    def near(self, pixels: int, *, outside: bool) -> np.ndarray:
        """True for pixels within so many of the edge, on one side of it."""
        side = ~self.inside if outside else self.inside
        window = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
        return side & cv2.dilate((~side).astype(np.uint8), window).astype(bool)

    def deep(self, pixels: int, *, outside: bool) -> np.ndarray:
        """True for pixels on one side of the edge that are farther from it."""
        return (~self.inside if outside else self.inside) & ~self.near(pixels, outside=outside)

    @staticmethod
    def at(where: np.ndarray, plane: np.ndarray) -> np.ndarray:
        """True for the samples of a plane whose pixels are meant."""
        side = 1 if plane.shape[:2] == where.shape else 2
        return where[::side, ::side]

    def behind(self, background: Background, asset: Prepared | None = None) -> Picture:
        """A copy with another background; asset: what it refers to."""
        target = Picture.blank(self.picture.geometry, self.picture.colour)
        self.picture.copy_to(target)
        if background.kind == "transparent":
            target = replace(target, alpha=np.full(self.inside.shape, 77, np.uint8))
        painter = Painter({} if asset is None else {background.asset or "": asset})
        painter.draw(target, (), Look(background=background), Moment(people=self.mask))
        return target


@pytest.fixture(params=KINDS)
def silhouette(request: pytest.FixtureRequest) -> Silhouette:
    return Silhouette(*KINDS[request.param])


@pytest.fixture
def still_silhouette() -> Silhouette:
    return Silhouette(*KINDS["rgb24"])


def rgb_of(picture: Picture) -> np.ndarray:
    """[height, width, 3] int: a picture's pixels."""
    if picture.geometry.format is PixelFormat.RGB24:
        return picture.planes[0].astype(int)
    y, *halves = picture.planes
    wide = [plane.repeat(2, 0).repeat(2, 1)[: y.shape[0], : y.shape[1]] for plane in halves]
    rgb = cv2.transform(cv2.merge([y, *wide]), rgb_of_yuv(picture.colour))
    return rgb.astype(int)


@pytest.fixture(name="rgb_of")
def _rgb_of() -> Callable[[Picture], np.ndarray]:
    return rgb_of
