"""What a line of the registry says of a model, what each family takes and gives, and the default models."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.model.offers import Role

WHEEL = "mediapipe"
WHEEL_VERSION = "0.10.21"
WHEEL_SOURCE = f"{WHEEL}=={WHEEL_VERSION}"
LICENCE_MEMBER = f"{WHEEL}-{WHEEL_VERSION}.dist-info/LICENSE"

CONVERTER_REVISION = 4
"""Grows with every change of what the converters write: files of another revision are made anew."""

BLAZEFACE = "blazeface"
"""Name under which both ranges of the default detector are offered, as one."""
FACE_MESH_NAME = "face-mesh"
"""Name of the default landmark model."""
SELFIE_NAME = "selfie-segmentation"
"""Name of the model that tells people from their background."""


class Family(StrEnum):
    """Whose way of speaking a model has, and so which adapter reads it."""

    BLAZEFACE = "blazeface"
    FACEMESH = "facemesh"
    SCRFD = "scrfd"
    YUNET = "yunet"
    PFLD = "pfld"
    HEATMAP = "heatmap"
    DLIB68 = "dlib68"
    SELFIE = "selfie"


class FamilyFacts(msgspec.Struct, frozen=True):
    """What all models of a family have in common."""

    role: Role
    points: int
    """Landmarks, or a detector's key points; 0: the model's file says how many, or it is a segmenter."""
    sizes_px: tuple[int, ...]
    """Of a detector: longer sides of the pictures that it is shown, one after the other; of landmarks: the crop's side;
    of a segmenter: the side of the square that the picture is stretched to; 0: the model's file says it."""
    multiple_px: int = 1
    """Of a detector: width and height of its input are multiples of this, and need not be equal."""


FAMILIES = {
    Family.BLAZEFACE: FamilyFacts(Role.DETECTOR, 6, (192,), 32),
    Family.FACEMESH: FamilyFacts(Role.LANDMARKS, 468, (192,)),
    # Shown 640 pixels SCRFD 2.5G finds no face that is higher than a 16:9 picture, 500M none 1.4 times as high; shown
    # 160 both find those of 0.2 to 1.6 times its height, for a thirtieth of the time.
    Family.SCRFD: FamilyFacts(Role.DETECTOR, 5, (640, 160), 32),
    Family.YUNET: FamilyFacts(Role.DETECTOR, 5, (320, 160), 32),
    Family.PFLD: FamilyFacts(Role.LANDMARKS, 68, (0,)),
    Family.HEATMAP: FamilyFacts(Role.LANDMARKS, 0, (0,)),
    Family.DLIB68: FamilyFacts(Role.LANDMARKS, 68, (200,)),
    Family.SELFIE: FamilyFacts(Role.SEGMENTER, 0, (256,)),
}


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the registry: a model that is ready."""

    name: str
    """Words of a-z and 0-9 joined by hyphens, e.g. `scrfd-500m`."""
    family: Family
    role: Role
    source: str
    """Where the published file came from: a wheel, or what the user said."""
    licence: str
    """SPDX identifier, or what the user said."""
    published_file: str = ""
    """In the folder of models, kept so that a new converter needs no network; empty: there is none."""
    published_sha256: str = ""
    """Hexadecimal."""
    file: str
    """In the folder of models: what is opened."""
    sha256: str
    """Of that file, hexadecimal."""
    sizes_px: tuple[int, ...]
    """As in FamilyFacts."""
    multiple_px: int = 1
    """As in FamilyFacts."""
    points: int
    """468, 68 or 5 landmarks; of a detector its key points; 0 of a segmenter."""
    part_of: str = ""
    """The name under which this and others are offered as one; empty: it is offered by its own."""
    precision: str = "fp32"
    """`fp32`, or what a quantised copy was made to."""

    @property
    def offered_as(self) -> str:
        """The name by which requests choose it."""
        return self.part_of or self.name

    @property
    def gives(self) -> str:
        """A few words."""
        if self.role is Role.LANDMARKS:
            return f"{self.points} landmarks"
        if self.role is Role.SEGMENTER:
            return "a mask of people"
        return f"boxes, {self.points} key points"


class AnchorLayer(msgspec.Struct, frozen=True):
    """One grid of anchors of a single-shot detector, row by row from the top left."""

    stride_px: int
    """Width and height of a cell in pixels of the input."""
    per_cell: int
    """So many anchors lie at a cell's centre."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A default model as published, and the shape of what is made of it."""

    name: str
    """As in ModelEntry."""
    family: Family
    member: str
    """Path in the wheel."""
    sha256: str
    """Of the published file."""
    licence: str
    """SPDX identifier."""
    size_px: int
    """Side of the square picture that it was trained on."""
    anchors: tuple[AnchorLayer, ...] = ()
    """Of a detector: mediapipe/modules/face_detection/face_detection_*_range.pbtxt, SsdAnchorsCalculator."""
    multiple_px: int = 1
    """Of a detector: width and height of its input are multiples of this, and need not be equal."""
    part_of: str = ""
    """As in ModelEntry."""

    @property
    def file_name(self) -> str:
        """Of the prepared file, in the folder of models."""
        return f"{stem(self.name)}.onnx"

    @property
    def published_name(self) -> str:
        """Of the published file, kept beside the converted one so that a new converter needs no network."""
        return f"{stem(self.name)}.tflite"

    def entry(self, sha256: str) -> ModelEntry:
        """Its line in the registry; sha256: of the prepared file."""
        facts = FAMILIES[self.family]
        return ModelEntry(
            name=self.name,
            family=self.family,
            role=facts.role,
            source=WHEEL_SOURCE,
            licence=self.licence,
            published_file=self.published_name,
            published_sha256=self.sha256,
            file=self.file_name,
            sha256=sha256,
            sizes_px=(self.size_px,),
            multiple_px=self.multiple_px,
            points=facts.points,
            part_of=self.part_of,
        )


def stem(name: str) -> str:
    """What the names of a model's files begin with."""
    return name.replace("-", "_")


FULL_RANGE = Model(
    name="blazeface-full-range",
    family=Family.BLAZEFACE,
    member="mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
    sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    licence="Apache-2.0",
    size_px=192,
    anchors=(AnchorLayer(stride_px=4, per_cell=1),),
    multiple_px=32,
    part_of=BLAZEFACE,
)
"""Faces within five metres of the camera."""
SHORT_RANGE = Model(
    name="blazeface-short-range",
    family=Family.BLAZEFACE,
    member="mediapipe/modules/face_detection/face_detection_short_range.tflite",
    sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    licence="Apache-2.0",
    size_px=128,
    anchors=(AnchorLayer(stride_px=8, per_cell=2), AnchorLayer(stride_px=16, per_cell=6)),
    multiple_px=16,
    part_of=BLAZEFACE,
)
"""Faces within two metres of the camera."""
FACE_MESH = Model(
    name=FACE_MESH_NAME,
    family=Family.FACEMESH,
    member="mediapipe/modules/face_landmark/face_landmark.tflite",
    sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    licence="Apache-2.0",
    size_px=192,
)
SELFIE = Model(
    name=SELFIE_NAME,
    family=Family.SELFIE,
    member="mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
    sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    licence="Apache-2.0",
    size_px=256,
)
MODELS = (FULL_RANGE, SHORT_RANGE, FACE_MESH, SELFIE)
"""All that `visavis models prepare` makes."""
