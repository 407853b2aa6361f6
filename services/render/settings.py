"""Settings of render."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import LaneSettings


class RenderSettings(LaneSettings):
    """`VISAVIS_<NAME>` variables of the render service."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    render_sessions: int = Field(8, ge=1, le=256, description="Sessions that one render worker owns at a time.")
    render_parallel: int = Field(2, ge=1, le=64, description="Sessions that are drawn at a time; of jobs as many more.")
    render_idle_seconds: float = Field(
        120, ge=5, le=3600, description="A session without frames for so long is dropped."
    )
    x264_preset: str = Field("veryfast", pattern="^[a-z]+$", description="Speed of x264 against size.")
    x264_crf: float = Field(
        23,
        ge=0,
        le=51,
        description="Quality of x264: lower is better and larger. With `VISAVIS_NVENC=always`: NVENC's quantiser.",
    )
    live_encoder_threads: int = Field(
        1, ge=0, le=128, description="Threads of one live encoder; 0: as many as the encoder likes."
    )
    x264_threads: int = Field(0, ge=0, le=128, description="Threads of one x264 encoder; 0: as many as x264 likes.")

    nvenc: str = Field(
        "live",
        pattern="^(never|live|always)$",
        description="Where the lane's card has NVENC, and a trial at the start shows of a codec that it does what is "
        "asked: `live`: it encodes live streams of frames that lie on the card; `always`: jobs too, in all lanes or "
        "none, since parts of a video are joined (not beside serverless functions; to be changed while no job is "
        "open), and without it for H.264 render does not start; `never`: the CPU encodes everything.",
    )
    push_networks: str = Field(
        "", description="Networks beside the public ones that streams may be pushed to: CIDR, commas between."
    )
    effects: Path | None = Field(
        None, description="Folder whose Python files are effects of your own (docs/own-effects.md); empty: none."
    )

    @property
    def render_work(self) -> Path:
        """Folder for the files that this worker is writing."""
        return self.work / f"render-{self.lane}-{self.worker}"
