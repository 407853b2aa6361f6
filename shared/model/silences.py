"""What a client is told who waits for an answer inside of the service that does not come."""

from __future__ import annotations

_OF_ALL = {"sessions.open": "No lane answers", "assets.prepare": "No lane answers"}
_OF_A_LANE = {
    "begin": "No render of the lane {} answers",
    "look": "The render of the stream, of the lane {}, is silent",
}


def unanswered(subject: str) -> str:
    """The beginning of a sentence that ends in the reason: who is silent, in the words of a client."""
    match subject.split("."):
        case ["lane", lane, what, *_] if what in _OF_A_LANE:
            return _OF_A_LANE[what].format(lane)
    return _OF_ALL.get(subject, f"Nobody answers on {subject}")
