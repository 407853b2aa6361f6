"""Settings of detect."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class DetectSettings(ServiceSettings):
    """`VISAVIS_<NAME>` variables of the detect service."""

    models: Path = Field(Path("~/.cache/visavis/models"), description="Folder of the prepared models.")
    detect_every: int = Field(8, ge=1, le=300, description="Frames from one search for new faces to the next.")
    detect_threads: int = Field(1, ge=1, le=64, description="Threads of one model run.")
    max_faces: int = Field(8, ge=1, le=16, description="Faces found in one frame, the surest first.")
