"""What the gateway answers with, as the OpenAPI document says it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from shared.model.addresses import read_url
from shared.model.assets import AssetFacts, AssetKind
from shared.model.callbacks import CallbackStanding, CallbackState
from shared.model.faces import Quality
from shared.model.jobs import JobRecord, JobState, Want
from shared.model.looks import Look
from shared.model.offers import ModelChoice, ModelOffer, Role

PENDING = CallbackStanding()
_ASSET = "0f343b0931126a20f133d67c2b018a3b"
_JOB = "4f8a0k2m9x7c1v5b3n6q"
_TRACE = "0af7651916cd43dd8448eb211c80319c"


class LookDocument(RootModel[dict[str, Any]]):
    """What differs from the defaults. The OpenAPI document has the schema of looks in this place: see `contract`."""

    @classmethod
    def of(cls, look: Look) -> LookDocument:
        """The document of a look."""
        return cls(look.document())


class ChoiceDocument(BaseModel):
    """The models that were asked for; null: the deployment's default."""

    detector: str | None
    landmarks: str | None

    @classmethod
    def of(cls, choice: ModelChoice) -> ChoiceDocument:
        """The document of a choice."""
        return cls(detector=choice.detector or None, landmarks=choice.landmarks or None)


class HopTimes(BaseModel):
    """One service's percentiles over the frames, milliseconds."""

    hop: str = Field(description="The service.")
    frames: int
    waited_p50_ms: float = Field(description="From publishing to receiving.")
    waited_p95_ms: float
    worked_p50_ms: float = Field(description="From receiving to publishing, a frame.")
    worked_p95_ms: float


class JobProblem(BaseModel):
    """Why the job failed."""

    code: str
    detail: str


class CallbackDocument(BaseModel):
    """Who is called back when the job has ended, and what has become of that."""

    receiver: str = Field(description="Scheme and host; the rest of the address is for nobody's eyes.")
    state: CallbackState = Field(description="`failed`: nobody tries any more.")
    tries: int
    detail: str | None = Field(description="What went wrong the last time.")

    @classmethod
    def of(cls, url: str, standing: CallbackStanding) -> CallbackDocument:
        """The document of a standing."""
        return cls(
            receiver=read_url(url).place,
            state=standing.state,
            tries=standing.tries,
            detail=standing.detail or None,
        )


class JobDocument(BaseModel):
    """A job as it stands now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _JOB, "state": "running", "want": "picture", "source": "video/mp4",
                    "look": {"smooth": 0.5, "slim_face": 0.3, "lipstick": {"color": "#b03a48", "amount": 0.4}},
                    "models": {"detector": "blazeface", "landmarks": None},
                    "progress": 0.41, "frames": 126, "frames_expected": 308, "faces": 126,
                    "segments": 1, "segments_done": 0, "attempt": 1,
                    "timings": [], "warnings": [], "problem": None, "result_type": None, "result_bytes": None,
                    "callback": {
                        "receiver": "https://example.org", "state": "pending", "tries": 0, "detail": None,
                    },
                    "trace_id": _TRACE, "created": 1767225600.0, "expires_at": None,
                    "links": {"self": f"/v1/jobs/{_JOB}", "events": f"/v1/jobs/{_JOB}/events"},
                }
            ]
        }
    )  # fmt: skip

    id: str
    state: JobState
    want: Want
    source: str = Field(description="Media type of the upload, told by its first bytes.")
    look: LookDocument
    models: ChoiceDocument
    progress: float = Field(ge=0, le=1, description="By frames; 0 while the source does not say how many there are.")
    frames: int = Field(description="In the result so far.")
    frames_expected: int = Field(description="What the source claims; 0 where it claims nothing.")
    segments: int = Field(description="How many segments are done by themselves; 0 until that is known.")
    segments_done: int = Field(description="How many of them are done.")
    faces: int = Field(description="Over all frames.")
    attempt: int = Field(description="Which try this is, from 1; 0 before the first.")
    timings: list[HopTimes]
    warnings: list[str] = Field(description="What was wrong with the source and did not keep the job from its end.")
    problem: JobProblem | None = Field(description="Why it failed.")
    result_type: str | None = Field(description="Media type of the result.")
    result_bytes: int | None
    callback: CallbackDocument | None = Field(description="Null: nobody is.")
    trace_id: str
    created: float = Field(description="Seconds since 1970.")
    expires_at: float | None = Field(
        description="When nothing of it is left, seconds since 1970; null before its end, and where jobs are kept."
    )
    links: dict[str, str] = Field(description="`self`, `events`, `trace`, and `result` when it is there.")

    @classmethod
    def of(
        cls, record: JobRecord, standing: CallbackStanding = PENDING, expires_at: float | None = None
    ) -> JobDocument:
        """The document of a ledger entry. standing: what has become of its call back, where it wants one."""
        address = f"/v1/jobs/{record.id}"
        links = {"self": address, "events": f"{address}/events", "trace": f"/v1/traces/{record.trace_id}"}
        if record.state is JobState.DONE:
            links["result"] = f"{address}/result"
        return cls(
            id=record.id,
            state=record.state,
            want=record.want,
            source=record.source_kind,
            look=LookDocument.of(record.look),
            models=ChoiceDocument.of(record.models),
            progress=round(record.progress, 4),
            frames=record.frames,
            frames_expected=record.frames_expected,
            segments=record.segments,
            segments_done=record.segments_done,
            faces=record.faces,
            attempt=record.attempt,
            timings=[HopTimes.model_validate(one, from_attributes=True) for one in record.timings],
            warnings=list(record.warnings),
            problem=JobProblem.model_validate(record.problem, from_attributes=True) if record.problem else None,
            result_type=record.result_type or None,
            result_bytes=record.result_bytes or None,
            callback=CallbackDocument.of(record.callback, standing) if record.callback else None,
            trace_id=record.trace_id,
            created=record.created_unix_seconds,
            expires_at=expires_at,
            links=links,
        )


class PoseDocument(BaseModel):
    """How a head is turned, degrees; all zero looks straight into the camera."""

    yaw: float = Field(ge=-180, le=180, description="Positive: to the right-hand side of the picture.")
    pitch: float = Field(ge=-90, le=90, description="Positive: upwards.")
    roll: float = Field(ge=-180, le=180, description="Positive: the top of the head tilts to the right-hand side.")


class FaceDocument(BaseModel):
    """One face, pixels of the upright picture."""

    track: int = Field(description="Who it is within the picture or video, from 1.")
    score: float = Field(ge=0, le=1, description="How sure the models are.")
    box: list[float] = Field(
        min_length=4,
        max_length=4,
        description="x0, y0, x1, y1 around the landmarks, or a detector's own around its five.",
    )
    quality: Quality = Field(
        description="The first thing, in this order, that speaks against using the face, or `good`: a part lies beyond "
        "the picture's edge; the eyes are less than 12 pixels apart; it is out of focus, moved or enlarged; something "
        "is before an eye or a third of it (smaller things, dark glasses and many masks are not told)."
    )
    pose: PoseDocument | None = Field(description="How the head is turned.")
    landmarks: list[list[float]] = Field(
        description="x, y, z each: 468 points of the MediaPipe Face Mesh, or of another landmark model 68 (iBUG 300-W) "
        "or 5 (right and left eye, nose, right and left corner of the mouth), whose z is 0."
    )


class AnalysisDocument(BaseModel):
    """The faces of one picture, as one line of `faces.jsonl`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "frame": 0, "pts_seconds": 0.0, "width": 640, "height": 480,
                    "faces": [
                        {
                            "track": 1, "score": 0.98, "box": [212.5, 96.1, 398, 331], "quality": "good",
                            "pose": {"yaw": 12.5, "pitch": -3.1, "roll": 1.8}, "landmarks": [[305.2, 249.9, -2.4]],
                        }
                    ],
                }
            ]
        }
    )  # fmt: skip

    frame: int
    pts_seconds: float
    width: int
    height: int
    faces: list[FaceDocument]


class LooksDocument(BaseModel):
    """Every effect, and the looks that have a name."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "schema": {"type": "object"}, "effects": {},
                    "presets": {"none": {}, "privacy": {"face_pixelate": 0.8}}, "default": "default",
                    "order": ["background", "smooth"], "layouts": {"background": [468, 68, 5], "smooth": [468, 68]},
                }
            ]
        },
    )  # fmt: skip

    look_schema: dict[str, Any] = Field(
        alias="schema", description="JSON Schema (2020-12) of a look: every effect with its range, default, sentence."
    )
    effects: dict[str, dict[str, Any]] = Field(
        description="Effects that this deployment has of its own: JSON Schema by name. They stand in `schema` too."
    )
    presets: dict[str, LookDocument]
    default: str = Field(description="The preset that is used where no look is named.")
    order: list[str] = Field(
        description="The effects as they are drawn one after the other; `own` is the place of those that do not come "
        "with Visavis."
    )
    layouts: dict[str, list[int]] = Field(
        description="Of each effect: how many landmarks faces may have that carry it; see `/v1/models`."
    )


class OfferDocument(BaseModel):
    """A model that requests may name."""

    name: str
    role: Role = Field(description="What it does; `detector` and `landmarks` are the fields that name one.")
    points: int = Field(description="Of a face: its landmarks, or a detector's own key points; 0 if it gives none.")
    default: bool = Field(description="Whether it is taken where a request names none.")

    @classmethod
    def of(cls, offer: ModelOffer) -> OfferDocument:
        """The document of an offer."""
        return cls(name=offer.name, role=offer.role, points=offer.points, default=offer.is_default)


class AssetDocument(BaseModel):
    """An asset: a picture, an animation or a colour LUT that looks refer to by its id."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _ASSET, "kind": "picture", "width": 512, "height": 512, "frames": 1, "size": None},
                {"id": _ASSET, "kind": "lut", "width": None, "height": None, "frames": None, "size": 33},
            ]
        }
    )

    id: str = Field(description="The first 32 hexadecimal digits of the SHA-256 of the uploaded file.")
    kind: AssetKind
    width: int | None = Field(description="Pixels of the upright picture; null for a LUT.")
    height: int | None = Field(description="As `width`.")
    frames: int | None = Field(description="1 for a still; null for a LUT.")
    size: int | None = Field(description="Entries along one side of a LUT's cube; null for a picture.")

    @classmethod
    def of(cls, facts: AssetFacts) -> AssetDocument:
        """The document of an asset's facts."""
        return cls(
            id=facts.id,
            kind=facts.kind,
            width=facts.width or None,
            height=facts.height or None,
            frames=facts.frames or None,
            size=facts.size or None,
        )


class ModelsDocument(BaseModel):
    """Every model that the warm lanes offer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "models": [
                        {"name": "blazeface", "role": "detector", "points": 6, "default": True},
                        {"name": "face-mesh", "role": "landmarks", "points": 468, "default": True},
                        {"name": "selfie-segmentation", "role": "segmenter", "points": 0, "default": True},
                    ]
                }
            ]
        }
    )

    models: list[OfferDocument]


class HopTotal(BaseModel):
    """What passes of messages through one service took together."""

    hop: str = Field(description="`ingest`, `detect` or `render`.")
    passes: int
    waited_ms: float
    worked_ms: float


class TraceSummary(BaseModel):
    """A trace in short."""

    trace_id: str
    name: str = Field(description="Of its request; until that is over what it works for, such as a session.")
    start_unix_seconds: float
    duration_ms: float
    state: Literal["ok", "error"] = Field(description="`error`: something in it failed, be it tried again.")
    spans: int
    spans_left_out: int = Field(description="Spans that came when the trace had its share of the room.")
    services: list[str]
    hops: list[HopTotal] = Field(description="What the passes through each service took together.")
    jobs: list[str] = Field(description="Up to 20 of its jobs.")
    sessions: list[str] = Field(description="Up to 20 of its sessions: a picture, a segment's attempt, a stream.")


class TracesDocument(BaseModel):
    """The traces that are kept, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "traces": [
                        {
                            "trace_id": _TRACE, "name": "POST /v1/images", "start_unix_seconds": 1767225600.0,
                            "duration_ms": 31.4, "state": "ok", "spans": 9, "spans_left_out": 0,
                            "services": ["visavis-detect", "visavis-gateway", "visavis-ingest", "visavis-render"],
                            "hops": [{"hop": "detect", "passes": 1, "waited_ms": 0.4, "worked_ms": 9.1}],
                            "jobs": [], "sessions": ["6f1c2a9be04d4f0c"],
                        }
                    ]
                }
            ]
        }
    )  # fmt: skip

    traces: list[TraceSummary]
