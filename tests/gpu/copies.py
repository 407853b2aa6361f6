"""Copies between host and card: what a profile saw, who asked for it, and what of it is pixels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORIES = ("unknown", "pageable", "pinned", "card", "array", "managed", "static", "managed static")
"""CUPTI's kinds of memory, by their numbers (CUpti_ActivityMemoryKind)."""
TO_CARD, TO_HOST, ON_CARD, ON_HOST, BETWEEN_CARDS, UNKNOWN = (
    "host to card",
    "card to host",
    "on the card",
    "on the host",
    "between cards",
    "unknown",
)
WAYS = (UNKNOWN, TO_CARD, TO_HOST, TO_CARD, TO_HOST, ON_CARD, ON_CARD, ON_CARD, ON_CARD, ON_HOST, BETWEEN_CARDS)
"""Of CUPTI's kinds of copies, by their numbers (CUpti_ActivityMemcpyKind)."""
BETWEEN = (TO_HOST, TO_CARD, UNKNOWN)
"""Copies that may bring pixels from one to the other."""
SMALLEST_PICTURE_BYTES = 80 * 80
"""What a face is judged by, the smallest picture that a lane makes (`services.render.quality.SIDE`)."""
NUMBERS = {
    "services.detect.cuda.sampling.sample_on_card": "where crops lie in their frames",
    "services.detect.cuda.heads._found": "boxes and key points of faces",
    "services.detect.cuda.binding.downloaded": "what a model said: landmarks, presence",
    "services.render.cuda.toning.draw_all": "records and outlines of faces to be toned",
    "services.render.cuda.bending._draw": "records of faces to be bent",
}
"""Places that have numbers copied which are no pixels. What any other place of ours has copied counts as pixels."""


class Copy(NamedTuple):
    """One kind of copy, as CUPTI records it."""

    kind: int
    source: int
    target: int
    is_async: bool
    size_bytes: int

    @property
    def way(self) -> str:
        """From where to where."""
        return WAYS[self.kind] if self.kind < len(WAYS) else UNKNOWN

    @property
    def memories(self) -> str:
        """From which kind of memory to which."""
        return " to ".join(MEMORIES[one] if one < len(MEMORIES) else "unknown" for one in (self.source, self.target))


class Asked(NamedTuple):
    """One kind of copy that our own code asked a device for."""

    way: str
    size_bytes: int
    place: str
    """Module and function."""


@dataclass
class Account:
    """Of one process, or of several."""

    seen: Counter[Copy] = field(default_factory=Counter)
    """By the profile."""
    asked: Counter[Asked] = field(default_factory=Counter)
    """By our own code, of a device. Libraries ask by themselves."""
    blind: str = ""
    """Why the profile is not to be trusted; empty if it is."""
    sees_graphs: bool = True
    """Whether it was tried that copies of CUDA graphs are seen."""

    def __add__(self, other: Account) -> Account:
        blind = " ".join(one.blind for one in (self, other) if one.blind)
        sees_graphs = self.sees_graphs and other.sees_graphs
        return Account(self.seen + other.seen, self.asked + other.asked, blind, sees_graphs)

    def without(self, probes: Counter[tuple[str, int]]) -> Account:
        """The same less the copies that were made to see whether the profile sees them: way and size of each.

        One that was not seen makes it blind.
        """
        seen, missing = self.seen.copy(), []
        for (way, size), wanted in probes.items():
            left = wanted
            for copy in [copy for copy in seen if (copy.way, copy.size_bytes) == (way, size)]:
                taken = min(left, seen[copy])
                seen[copy] -= taken
                left -= taken
            if left:
                missing.append(f"It saw {wanted - left} of {wanted} copies of {size} bytes {way}.")
        return Account(+seen, self.asked, " ".join([*filter(None, [self.blind]), *missing]), self.sees_graphs)


class Line(NamedTuple):
    """Copies of one size in one direction, and what they are."""

    way: str
    size_bytes: int
    times: int
    what: str
    are_pixels: bool


def explained(account: Account) -> list[Line]:
    """The copies between host and card, those first that are most bytes.

    What our code asked for is what that place has copied; what is left of a size was asked for by a library, and
    counts as pixels where it is as large as a picture can be. In doubt a copy was for a place that copies pixels.
    """
    lines = []
    for (way, size), count in _by_size(account.seen).items():
        places = {one.place: asked for one, asked in account.asked.items() if (one.way, one.size_bytes) == (way, size)}
        left = count
        for place in sorted(places, key=lambda place: (place in NUMBERS, place)):
            taken = min(left, places[place])
            left -= taken
            if taken:
                lines.append(Line(way, size, taken, NUMBERS.get(place, f"pixels? by {place}"), place not in NUMBERS))
        if left:
            is_large = size >= SMALLEST_PICTURE_BYTES
            lines.append(Line(way, size, left, "pixels? by a library" if is_large else "by a library", is_large))
    return sorted(lines, key=lambda line: -line.size_bytes * line.times)


def unseen(account: Account) -> int:
    """How many copies our code asked for that the profile does not have: none, if it is whole."""
    seen = _by_size(account.seen)
    asked: Counter[tuple[str, int]] = Counter()
    for one, count in account.asked.items():
        asked[one.way, one.size_bytes] += count
    return sum((asked - seen).values())


def figures(accounts: Mapping[str, Account], frames: int, picture_bytes: int, rows: int = 8) -> dict[str, Any]:
    """What there is to tell of processes by role, and of all of them.

    frames: that went all the way; picture_bytes: of one of them. rows: so many sizes are told, the others summed.
    """
    whole = sum(accounts.values(), Account())
    told: dict[str, Any] = {"frames": frames, "a picture: bytes": picture_bytes}
    if whole.blind:
        return told | {"profile": f"not to be trusted. {whole.blind}"}
    lines = explained(whole)
    told["pixels copied between host and card: bytes a frame"] = _each(
        sum(line.size_bytes * line.times for line in lines if line.are_pixels), frames
    )
    told["copies that were asked for and not seen"] = unseen(whole)
    told["copies of CUDA graphs are seen"] = "yes" if whole.sees_graphs else "not tried: they could not be recorded"
    for name, account in {**accounts, "all": whole}.items():
        for way in (TO_HOST, TO_CARD, ON_CARD):
            own = [(copy.size_bytes, count) for copy, count in account.seen.items() if copy.way == way]
            told[f"{name}, {way}: bytes a frame"] = _each(sum(size * count for size, count in own), frames)
            told[f"{name}, {way}: copies a frame"] = _each(sum(count for _, count in own), frames)
    told["largest copy, card to host: bytes"] = max((one.size_bytes for one in lines if one.way == TO_HOST), default=0)
    told["largest copy, host to card: bytes"] = max((one.size_bytes for one in lines if one.way == TO_CARD), default=0)
    for memories, size in _by_memories(whole.seen).items():
        told[f"between host and card, {memories}: bytes a frame"] = _each(size, frames)
    for line in lines[:rows]:
        told[f"{line.way}, {line.size_bytes} bytes, {line.what}: copies a frame"] = _each(line.times, frames)
    rest = sum(line.size_bytes * line.times for line in lines[rows:])
    told[f"the other {max(0, len(lines) - rows)} kinds: bytes a frame"] = _each(rest, frames)
    others = {copy.way for copy in whole.seen} & {BETWEEN_CARDS, UNKNOWN, ON_HOST}
    return told | {f"all, {way}: copies": _of_way(whole.seen, way) for way in sorted(others)}


def _by_size(seen: Counter[Copy]) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for copy, count in seen.items():
        if copy.way in BETWEEN:
            found[copy.way, copy.size_bytes] += count
    return found


def _by_memories(seen: Counter[Copy]) -> Counter[str]:
    found: Counter[str] = Counter()
    for copy, count in seen.items():
        if copy.way in BETWEEN:
            found[f"{copy.memories}, {'not ' * (not copy.is_async)}asynchronous"] += copy.size_bytes * count
    return found


def _of_way(seen: Counter[Copy], way: str) -> int:
    return sum(count for copy, count in seen.items() if copy.way == way)


def _each(number: int, frames: int) -> float:
    each = number / frames
    return round(each, 3) if each < 1000 else round(each)
