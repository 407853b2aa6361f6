"""Settings of detect."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import LaneSettings


class DetectSettings(LaneSettings):
    """`VISAVIS_<NAME>` variables of the detect service."""

    models: Path = Field(Path("~/.cache/visavis/models"), description="Folder of the prepared models.")
    detector: str = Field("blazeface", description="The detector of requests that name none.")
    landmarks: str = Field(
        "face-mesh",
        description="The landmark model of requests that name none; keypoints: the five points of the detector.",
    )
    providers: str = Field(
        "",
        pattern=r"^([a-z]+( *, *[a-z]+)*)?$",
        description="What runs the models, the first that is there: tensorrt, cuda, openvino, cpu; commas between. "
        "Empty: cuda, cpu on a lane with a card, cpu on others.",
    )
    detect_every: int = Field(8, ge=1, le=300, description="Frames from one search for new faces to the next.")
    detect_parallel: int = Field(2, ge=1, le=64, description="Messages of frames that are worked on at a time.")
    detect_threads: int = Field(1, ge=1, le=64, description="Threads of one model run.")
    max_faces: int = Field(8, ge=1, le=16, description="Faces in one frame at most, those followed first.")
