"""Every metric of the services: name, kind, unit, what it says. The one list; docs/metrics.md is written from it.

Names and units follow OpenTelemetry's semantic conventions. Everything carries `service`, `lane` and `worker` besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "level", "histogram"]
"""gauge: sums over processes say nothing; level: they do (UpDownCounter). Prometheus has one for both."""
_SUFFIXES = {"s": "seconds", "By": "bytes", "1": "ratio"}
"""Of units in Prometheus. What stands in braces is a remark and no unit."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is measured."""

    name: str
    kind: Kind
    unit: str
    """UCUM: s, By, 1, or a remark in braces."""
    description: str
    attributes: tuple[str, ...] = ()
    """What tells its series apart: words of a small set, never ids."""
    boundaries: tuple[float, ...] = ()
    """Of a histogram's buckets, upper ends, in its unit."""

    @property
    def suffix(self) -> str:
        """The unit as Prometheus spells it; empty for a remark."""
        return _SUFFIXES.get(self.unit, "")

    @property
    def family(self) -> str:
        """Its name in Prometheus, before what kinds append: `_total` of counters, `_bucket` and so on."""
        name = self.name.replace(".", "_")
        return f"{name}_{self.suffix}" if self.suffix and not name.endswith(f"_{self.suffix}") else name


_HOP_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_EFFECT_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_REQUEST_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

HOP_WAITED = Instrument(
    "visavis.hop.waited", "histogram", "s", "From publishing to receiving, a frame.", ("hop",), _HOP_SECONDS
)
HOP_WORKED = Instrument(
    "visavis.hop.worked", "histogram", "s", "From receiving to publishing, a frame.", ("hop",), _HOP_SECONDS
)
MESSAGES = Instrument(
    "visavis.messages", "counter", "{message}", "Messages of the queues by what became of them.", ("outcome",)
)
FRAMES = Instrument(
    "visavis.frames",
    "counter",
    "{frame}",
    "Frames by what became of them: delivered, dropped, failed; of what kind (still, job, live), why and where.",
    ("kind", "outcome", "reason", "where"),
)
QUEUE_MESSAGES = Instrument(
    "visavis.queue.messages",
    "gauge",
    "{message}",
    "Messages that wait or are worked on; gateways tell of plans, segments and callbacks, ingest of detect and render.",
    ("queue",),
)
QUEUE_LAG = Instrument(
    "visavis.queue.lag", "gauge", "{message}", "Messages of a queue that nobody has been given yet.", ("queue",)
)
DEAD_LETTERS = Instrument("visavis.dead_letters", "gauge", "{message}", "Messages that were given up, and are kept.")
POOL_SLOTS = Instrument(
    "visavis.pool.slots",
    "level",
    "{slot}",
    "Slots of the lane's frame pools, on the host and on a card: free, in_use, quarantined.",
    ("memory", "state"),
)
SESSIONS = Instrument(
    "visavis.sessions", "level", "{session}", "Sessions that a render worker owns: still, job, live.", ("kind",)
)
ROOM = Instrument(
    "visavis.room", "gauge", "1", "Part of what a lane can do for live streams that is promised to none, 0 to 1."
)
INFERENCE_BATCH = Instrument(
    "visavis.inference.batch_size",
    "histogram",
    "{image}",
    "Pictures or crops that a model is run on at once.",
    ("model", "provider"),
    (1, 2, 4, 8, 16, 32, 64),
)
INFERENCE = Instrument(
    "visavis.inference.duration",
    "histogram",
    "s",
    "A run of a model, until its outputs are there; on a card, with what its stream had to do before.",
    ("model", "provider"),
    _HOP_SECONDS,
)
ENCODE = Instrument(
    "visavis.encode.duration",
    "histogram",
    "s",
    "A drawn picture through its encoder; `encoder`: `cpu`, or `nvenc` where one of the card does it.",
    ("codec", "encoder"),
    _HOP_SECONDS,
)
DELAY = Instrument(
    "visavis.delivery.delay",
    "histogram",
    "s",
    "Of a live frame, from its packet's arrival to its delivery.",
    (),
    (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2, 5),
)
BUDGET = Instrument(
    "visavis.delivery.budget",
    "histogram",
    "1",
    "That delay as a part of the stream's max_delay_ms: above 1 it is late.",
    (),
    (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.5, 2),
)
TRANSPORT = Instrument(
    "visavis.transport",
    "gauge",
    "{transport}",
    "1 for the way that a lane's frames of video are shared: cuda-ipc, or shared-memory, and why in a word.",
    ("transport", "reason"),
)
CARD_USE = Instrument("visavis.card.use", "gauge", "1", "Part of the last moments with a kernel on it.", ("card",))
CARD_DECODER_USE = Instrument("visavis.card.decoder.use", "gauge", "1", "How busy the card's decoders are.", ("card",))
CARD_MEMORY = Instrument("visavis.card.memory.used", "gauge", "By", "The card's memory that is in use.", ("card",))
LANES = Instrument(
    "visavis.lanes", "gauge", "{lane}", "Lanes that are heard of (known), and that are whole (warm).", ("state",)
)
FETCHED = Instrument(
    "visavis.fetched",
    "counter",
    "{unit}",
    "What was copied from a card to the host: frames and patches, and their bytes.",
    ("what",),
)
VIDEOS_DECODED = Instrument(
    "visavis.videos.decoded",
    "counter",
    "{video}",
    "Videos and streams of a lane with a card, by what decodes them: card, cpu.",
    ("by",),
)
OWN_EFFECT = Instrument(
    "visavis.own_effect",
    "histogram",
    "s",
    "An effect of somebody's own on one face of one frame.",
    ("effect",),
    _EFFECT_SECONDS,
)
OWN_EFFECT_FAULTS = Instrument(
    "visavis.own_effect.faults", "counter", "{face}", "Faces that an effect of somebody's own failed on.", ("effect",)
)
HTTP_REQUEST = Instrument(
    "http.server.request.duration",
    "histogram",
    "s",
    "From a request over HTTP, or a WebSocket's first byte, to the end of its answer.",
    ("http.route", "http.request.method", "http.response.status_code"),
    _REQUEST_SECONDS,
)
RPC_CALL = Instrument(
    "rpc.server.call.duration",
    "histogram",
    "s",
    "From a call over gRPC to its end.",
    ("rpc.method", "rpc.response.status_code"),
    _REQUEST_SECONDS,
)
PROCESS_CPU = Instrument(
    "process.cpu.time", "counter", "s", "Processor time of the process, without its children.", ("cpu.mode",)
)
PROCESS_MEMORY = Instrument(
    "process.memory.usage", "level", "By", "Resident memory of the process; what it has touched of the frame pool too."
)
PROCESS_THREADS = Instrument("process.thread.count", "level", "{thread}", "Threads of the process.")
PROCESS_FILES = Instrument(
    "process.unix.file_descriptor.count", "level", "{file_descriptor}", "File descriptors that the process has open."
)

INSTRUMENTS: tuple[Instrument, ...] = tuple(one for one in list(globals().values()) if isinstance(one, Instrument))
"""All of them, in this order."""
