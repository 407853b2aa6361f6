"""Settings of ingest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from pydantic import Field, SecretStr, create_model

from services.ingest.limits import IngestLimits
from services.ingest.sources.rules import SourceRules
from shared.memory.layout import SlotClass
from shared.runtime.settings import LaneSettings

MIB = 1 << 20


def _limit_fields() -> dict[str, Any]:
    """The limits as settings: the same names, bounds and sentences."""
    fields = {}
    for field in msgspec.structs.fields(IngestLimits):
        meta = field.type.__metadata__[0]
        fields[field.name] = (int, Field(field.default, ge=meta.ge, le=meta.le, description=meta.description))
    return fields


def _largest_frame_bytes(limits: IngestLimits) -> int:
    """Of 4:2:0 within the limits: of odd sides the chroma is rounded up, which counts most where one side is short."""
    longest = limits.max_pixels // limits.min_side
    return limits.max_pixels + (limits.max_pixels + limits.min_side + longest + 1) // 2


_Limited: Any = create_model("_Limited", __base__=LaneSettings, **_limit_fields())


class IngestSettings(_Limited):
    """`VISAVIS_<NAME>` variables of the ingest service."""

    jobs: int = Field(2, ge=1, le=64, description="Segments of jobs that are worked on at a time.")
    segment_seconds: float = Field(
        10, ge=0, le=3600, description="Seconds of a segment of a job, where key frames allow it; 0: videos stay whole."
    )
    stills: int = Field(4, ge=1, le=64, description="Stills that are worked on at a time.")
    assets: int = Field(2, ge=1, le=16, description="Uploaded assets that are prepared at a time; others wait.")
    spare_decoders: int = Field(2, ge=0, le=16, description="Decoder processes that wait ready.")
    lane_cores: float = Field(0, ge=0, le=1024, description="Cores that this lane may use: what it takes live; 0: all.")
    frames_per_message: int = Field(8, ge=1, le=16, description="Frames of a job that one message carries at most.")
    small_slots: int = Field(32, ge=4, le=1024, description="Slots of the frame pool for up to 1920x1088.")
    large_slots: int = Field(5, ge=2, le=256, description="Slots of the frame pool for up to 4096x2304.")
    card_slots: int = Field(
        192, ge=4, le=512, description="Slots of the frame pool on the card for up to 1920x1088; 3 MiB each."
    )
    large_card_slots: int = Field(
        8,
        ge=1,
        le=128,
        description="Slots of the frame pool on the card for the largest video; 14 MiB each by default.",
    )
    source_schemes: str = Field(
        "rtmp,rtmps,rtsp,rtsps,srt,http,https", description="What sources may be fetched by, separated by commas."
    )
    source_networks: str = Field(
        "", description="Networks that are not public and may be fetched from, as 10.1.0.0/16, separated by commas."
    )
    source_unconfined: bool = Field(
        default=False, description="Whether sources are read where the kernel refuses their reader a network namespace."
    )
    source_srt_program: str = Field(
        "", description="FFmpeg's command line for srt://; unset: that of visavis[srt], or the system's."
    )
    executor: str = Field(
        "lane", pattern="^(lane|serverless)$", description="Who does segments of jobs: this lane, or a function."
    )
    function_url: str = Field(
        "", pattern="^(https?://.+)?$", description="Where the function takes segments; see deploy/serverless."
    )
    function_authorization: SecretStr = Field(
        SecretStr(""), description="The header Authorization of calls of the function; empty: none."
    )
    function_seconds: float = Field(900, ge=1, le=86_400, description="Seconds that one call of the function may take.")
    still_slots: int = Field(1, ge=1, le=64, description="Slots of the frame pool for the largest still.")

    @property
    def limits(self) -> IngestLimits:
        """What media may cost."""
        names = IngestLimits.__struct_fields__
        return IngestLimits(**{name: getattr(self, name) for name in names})

    @property
    def source_rules(self) -> SourceRules:
        """Where sources may be fetched from. Raises Misconfigured."""
        return SourceRules.read(
            self.limits,
            self.source_schemes,
            self.source_networks,
            unconfined=self.source_unconfined,
            srt_program=self.source_srt_program,
        )

    @property
    def slot_classes(self) -> tuple[SlotClass, ...]:
        """The frame pool's slots: 4:2:0 for video (1.5 bytes a pixel), RGB for stills (3 bytes)."""
        return (
            SlotClass(self.small_slots, 1920 * 1088 * 3 // 2),
            SlotClass(self.large_slots, _largest_frame_bytes(self.limits)),
            SlotClass(self.still_slots, self.limits.max_still_pixels * 3),
        )

    @property
    def card_slot_classes(self) -> tuple[SlotClass, ...]:
        """The slots of the frame pool on the card: 4:2:0 for video."""
        return (
            SlotClass(self.card_slots, 1920 * 1088 * 3 // 2),
            SlotClass(self.large_card_slots, _largest_frame_bytes(self.limits)),
        )

    @property
    def ingest_work(self) -> Path:
        """Folder for the files that this worker is reading and joining."""
        return Path(self.work / f"ingest-{self.lane}-{self.worker}")
