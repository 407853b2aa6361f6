"""The settings of the three services whose cores are composed: the same variables mean the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from services.detect.settings import DetectSettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings
from shared.runtime.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class OneshotSettings:
    """`VISAVIS_<NAME>` variables of ingest, detect and render."""

    ingest: IngestSettings
    detect: DetectSettings
    render: RenderSettings

    @classmethod
    def read(cls, models: Path | None = None, effects: Path | None = None) -> Self:
        """From the environment. models, effects: take the place of what stands there.

        Raises Misconfigured with every variable that is wrong of the first service that has one.
        """
        folder: dict[str, Any] = {} if models is None else {"models": models}
        own: dict[str, Any] = {} if effects is None else {"effects": effects}
        return cls(
            read_settings(IngestSettings), read_settings(DetectSettings, **folder), read_settings(RenderSettings, **own)
        )

    @property
    def largest_frame_bytes(self) -> int:
        """Of a picture or a frame within the limits."""
        return max(one.size_bytes for one in self.ingest.slot_classes)
