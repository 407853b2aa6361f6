"""What the gateway answers with who asks how the service is."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FramesDocument(BaseModel):
    """Where the frames of a lane may lie."""

    on: Literal["card", "host"] = Field(description="`card`: on its NVIDIA card; `host`: in the host's memory alone.")
    reason: str = Field(description="Why not on a card; empty if they may.")

    @classmethod
    def of(cls, why_not_on_card: str) -> FramesDocument:
        """The document of a reason."""
        return cls(on="host" if why_not_on_card else "card", reason=why_not_on_card)


class EncodersDocument(BaseModel):
    """What the card of a lane encodes."""

    nvenc: list[str] = Field(
        description="Codecs in which live streams are encoded by the card, as all renders of the lane have tried it."
    )
    reason: str = Field(description="Why not in others; empty if there is nothing to say.")

    @classmethod
    def of(cls, nvenc: tuple[tuple[str, ...], str]) -> EncodersDocument:
        """The document of codecs and a reason."""
        return cls(nvenc=list(nvenc[0]), reason=nvenc[1])


class StateDocument(BaseModel):
    """How the service is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "ok",
                    "lanes": ["local"],
                    "frames": {"local": {"on": "card", "reason": ""}},
                    "encoders": {"local": {"nvenc": ["h264", "hevc"], "reason": "..."}},
                }
            ]
        }
    )

    status: str
    lanes: list[str] = Field(description="Lanes in which every service is warm.")
    frames: dict[str, FramesDocument] = Field(description="Where the frames of each of them may lie.")
    encoders: dict[str, EncodersDocument] = Field(description="What the card of each of them encodes.")
