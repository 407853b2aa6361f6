"""How a stream is shown. Of addresses only scheme and host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from services.gateway.documents import ChoiceDocument, JobProblem, LookDocument
from services.gateway.streams.desk import Removal
from services.gateway.streams.run import StreamState
from services.gateway.streams.wishes import told_output
from shared.model.live import HlsOutput, Place, Reason, RecordOutput

if TYPE_CHECKING:
    from services.gateway.live.account import LiveAccount
    from services.gateway.streams.run import StreamRun

_STREAM = "7c1v5b3n6q4f8a0k2m9x"
EXAMPLE: dict[str, Any] = {
    "id": _STREAM, "state": "running", "source": "rtmp://live.example.org",
    "look": {"smooth": 0.5}, "models": {"detector": None, "landmarks": None}, "max_delay_ms": 500,
    "outputs": [{"hls": {"segment_seconds": 2.0, "window": 6}}, {"rtmp": {"url": "rtmp://push.example.org"}}],
    "video": {"width": 1280, "height": 720, "rate": 30.0},
    "account": {
        "received": 300, "delivered": 297, "failed": 0,
        "dropped": [{"place": "detect", "reason": "late", "count": 2}], "under_way": 1,
    },
    "notices": [{"kind": "recovered", "detail": "The lane keeps up again.", "at": 1767225610.0}],
    "restarts": 0, "problem": None, "trace_id": "0af7651916cd43dd8448eb211c80319c", "created": 1767225600.0,
    "links": {
        "self": f"/v1/streams/{_STREAM}", "events": f"/v1/streams/{_STREAM}/events",
        "hls": f"/v1/streams/{_STREAM}/hls/index.m3u8",
    },
}  # fmt: skip


class SourceVideo(BaseModel):
    """What the source turned out to be."""

    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    rate: float = Field(description="Frames a second, about.")


class DroppedDocument(BaseModel):
    """Frames that were dropped at one place for one reason."""

    place: Place
    reason: Reason
    count: int


class AccountDocument(BaseModel):
    """received = delivered + dropped + failed + under_way."""

    received: int = Field(description="Coded frames of the source, by the highest number that the lane has told of.")
    delivered: int = Field(description="Those that were drawn and handed to the outputs.")
    failed: int = Field(description="Those that could not be decoded.")
    dropped: list[DroppedDocument]
    under_way: int = Field(description="Those of which nothing is known yet; 0 at the end.")

    @classmethod
    def of(cls, account: LiveAccount) -> AccountDocument:
        """The document of an account."""
        dropped = [
            DroppedDocument(place=place, reason=reason, count=count)
            for (place, reason), count in sorted(account.dropped.items())
        ]
        return cls(
            received=account.received,
            delivered=account.delivered,
            failed=account.failed,
            dropped=dropped,
            under_way=account.under_way,
        )


class NoticeDocument(BaseModel):
    """Something that happened."""

    kind: str = Field(description="A stable word, e.g. `degraded`, `recovered`, `source-lost`, `look-refused`.")
    detail: str = Field(description="One sentence for a person.")
    at: float = Field(description="Seconds since 1970.")


class StreamDocument(BaseModel):
    """A stream as it stands now."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: str
    state: StreamState = Field(
        description="`opening`: a lane has it and no frame came yet; `running`; `waiting`: its lane was lost and "
        "another is sought; `ended`; `failed`."
    )
    source: str = Field(description="Scheme and host; what else its address has is not shown.")
    look: LookDocument
    models: ChoiceDocument
    max_delay_ms: int
    outputs: list[dict[str, Any]] = Field(description="As they were asked for; of addresses scheme and host.")
    video: SourceVideo | None = Field(description="Known with the first frame.")
    account: AccountDocument
    notices: list[NoticeDocument] = Field(description="The last twenty, the newest last.")
    restarts: int = Field(description="How often another lane took it over.")
    problem: JobProblem | None = Field(description="Why it failed.")
    trace_id: str
    created: float = Field(description="Seconds since 1970.")
    links: dict[str, str] = Field(description="`self`, `events`, and `hls` and `record` where there are such outputs.")

    @classmethod
    def of(cls, run: StreamRun) -> StreamDocument:
        """The document of a stream."""
        facts, wish = run.facts, run.wish
        return cls(
            id=run.name,
            state=run.state,
            source=wish.place,
            look=LookDocument.of(wish.look),
            models=ChoiceDocument.of(wish.models),
            max_delay_ms=wish.max_delay_ms,
            outputs=[told_output(output) for output in wish.outputs],
            video=SourceVideo(
                width=facts.geometry.width,
                height=facts.geometry.height,
                rate=round(facts.frame_rate[0] / max(1, facts.frame_rate[1]), 3),
            )
            if facts
            else None,
            account=AccountDocument.of(run.account),
            notices=[NoticeDocument(kind=one.kind, detail=one.detail, at=one.at_unix_seconds) for one in run.notices],
            restarts=run.restarts,
            problem=JobProblem(code=run.problem.code, detail=run.problem.detail) if run.problem else None,
            trace_id=run.trace_id,
            created=run.created_unix_seconds,
            links=_links(run),
        )


class StreamsDocument(BaseModel):
    """The streams of this gateway, the newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"streams": [EXAMPLE]}]})

    streams: list[StreamDocument]


def _links(run: StreamRun) -> dict[str, str]:
    address = f"/v1/streams/{run.name}"
    links = {"self": address, "events": f"{address}/events"}
    if any(isinstance(output, HlsOutput) for output in run.wish.outputs):
        links["hls"] = f"{address}/hls/index.m3u8"
    if any(isinstance(output, RecordOutput) for output in run.wish.outputs):
        links["record"] = f"{address}/record"
    return links


class StreamRemovalDocument(BaseModel):
    """What a DELETE has done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _STREAM, "state": "ended"}]})

    id: str
    state: Removal = Field(
        description="`ended`: it ran, and HLS and recording are completed and stay; another DELETE removes them. "
        "`kept`: it was over, and `keep` left what there is of it. `removed`: nothing is left of it."
    )
