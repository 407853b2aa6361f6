"""The default models: where each lies in the wheel, its hash, its licence, and what it takes and gives."""

from __future__ import annotations

from enum import StrEnum

import msgspec

WHEEL = "mediapipe"
WHEEL_VERSION = "0.10.21"
LICENCE_MEMBER = f"{WHEEL}-{WHEEL_VERSION}.dist-info/LICENSE"

CONVERTER_REVISION = 1
"""Grows with every change of what the converter writes: files of another revision are made anew."""


class Family(StrEnum):
    """What a model does, and so which adapter reads it."""

    DETECTOR = "blazeface"
    MESH = "facemesh"


class AnchorLayer(msgspec.Struct, frozen=True):
    """One grid of anchors of a single-shot detector, row by row from the top left."""

    stride_px: int
    """Width and height of a cell in pixels of the input."""
    per_cell: int
    """So many anchors lie at a cell's centre."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model as published, and the shape of what is made of it."""

    name: str
    """Its file is `<name>.onnx`."""
    family: Family
    member: str
    """Path in the wheel."""
    sha256: str
    """Of the published file."""
    licence: str
    """SPDX identifier."""
    size_px: int
    """Side of the square picture that it was trained on."""
    gives: str
    """One sentence."""
    anchors: tuple[AnchorLayer, ...] = ()
    """Of a detector: mediapipe/modules/face_detection/face_detection_*_range.pbtxt, SsdAnchorsCalculator."""
    multiple_px: int = 0
    """Of a detector: width and height of its input are multiples of this, and need not be equal."""

    @property
    def file_name(self) -> str:
        """In the folder of models."""
        return f"{self.name}.onnx"

    @property
    def published_name(self) -> str:
        """Of the published file, kept beside the converted one so that a new converter needs no network."""
        return f"{self.name}.tflite"


FULL_RANGE = Model(
    name="blazeface_full_range",
    family=Family.DETECTOR,
    member="mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
    sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    licence="Apache-2.0",
    size_px=192,
    gives="Boxes, six key points and scores of faces within five metres of the camera.",
    anchors=(AnchorLayer(stride_px=4, per_cell=1),),
    multiple_px=32,
)
SHORT_RANGE = Model(
    name="blazeface_short_range",
    family=Family.DETECTOR,
    member="mediapipe/modules/face_detection/face_detection_short_range.tflite",
    sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    licence="Apache-2.0",
    size_px=128,
    gives="Boxes, six key points and scores of faces within two metres of the camera.",
    anchors=(AnchorLayer(stride_px=8, per_cell=2), AnchorLayer(stride_px=16, per_cell=6)),
    multiple_px=16,
)
FACE_MESH = Model(
    name="face_mesh",
    family=Family.MESH,
    member="mediapipe/modules/face_landmark/face_landmark.tflite",
    sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    licence="Apache-2.0",
    size_px=192,
    gives="468 landmarks of one face in an upright crop, and how sure it is that there is one.",
)
MODELS = (FULL_RANGE, SHORT_RANGE, FACE_MESH)
"""All that `visavis models` prepares."""
