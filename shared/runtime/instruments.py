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
POOL_SLOTS = Instrument(
    "visavis.pool.slots",
    "level",
    "{slot}",
    "Slots of the lane's frame pools, on the host and on a card: free, in_use, quarantined.",
    ("memory", "state"),
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
