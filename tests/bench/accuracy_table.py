"""The figures of accuracy as a page."""

from __future__ import annotations

import time
from typing import Any

_HEAD = """# Accuracy

Measured by `python -m tests.bench.accuracy` on {when}, on real pixels only: frames of four clips scaled, turned, cut by
the picture's edge, and many side by side, in pictures of 1280x720. Heights are those of the faces, in percent of the
picture's. What is asked for is what SCRFD 2.5G sees in the whole frames at their own size. They show four people, and
our thresholds were chosen on other cuts of the same clips: on other material expect less.

"First search": of a picture, and of the first frame of a session; "usual search": seven of eight later ones (decision
0011). MediaPipe is the full-range detector of mediapipe 0.10.21; SCRFD 2.5G runs at 640 px. Both are shown at the least
threshold at which they are as seldom wrong as our first search, a precision of {precision}, and at their usual 0.5."""
_MEDIAPIPE, _SCRFD = "mediapipe", "scrfd-2.5g"
_NAMES = {
    "visavis": "first search",
    "visavis, usual search": "usual search",
    _MEDIAPIPE: "MediaPipe",
    _SCRFD: "SCRFD 2.5G",
}


def table(figures: dict[str, Any]) -> str:
    """Markdown; figures: what `accuracy.measure` gives."""
    found, landmarks = figures["detection"], figures["landmarks"]
    head = _HEAD.format(when=time.strftime("%Y-%m-%d"), precision=_percent(found["precision"]))
    parts = [head, "## Faces found", _recall(found), _detection_notes(found)]
    parts += ["## Landmarks", _landmarks(landmarks["nme"]), _jitter(landmarks)]
    return "\n\n".join(parts) + "\n"


def _recall(found: dict[str, Any]) -> str:
    names = [name for name in _NAMES if name in found["recall"]]
    at_default = [name for name in names if name in found["recall_by_default"]]
    columns = [*(_NAMES[name] for name in names), *(f"{_NAMES[name]} at 0.5" for name in at_default)]
    recalls = [found["recall"][name] for name in names] + [found["recall_by_default"][name] for name in at_default]
    counts = {"all": sum(found["faces"].values())} | found["faces"]
    rows = [[kind, str(count), *(_percent(one[kind]) for one in recalls)] for kind, count in counts.items()]
    return _rows([["faces", "number", *columns], *rows])


def _detection_notes(found: dict[str, Any]) -> str:
    false = found["false_per_1000"]
    rows = [["1,000 pictures of nobody (a third: the skull on the shirt)", "false faces"]]
    rows += [
        [_NAMES[name] + (" at 0.5" if name in (_MEDIAPIPE, _SCRFD) else ""), f"{value:.0f}"]
        for name, value in false.items()
    ]
    least = ", ".join(
        f"{_NAMES[name]} {found['least_score'][name]:.2f}" for name in (_MEDIAPIPE, _SCRFD) if name in false
    )
    notes = [
        f"Of MediaPipe's own boxes in the three whole clips {_percent(found['golden_boxes_found'])} are found.",
        f"Thresholds of the same precision: {least}. A false face of ours is one with landmarks; of the others, a box.",
        *([found["mediapipe_skipped"]] if "mediapipe_skipped" in found else []),
    ]
    return "\n\n".join([" ".join(notes), _rows(rows)])


def _landmarks(nme: dict[str, Any]) -> str:
    rows = [["clip", "faces", "median", "90th percentile"]]
    rows += [[clip, str(one["faces"]), _fine(one["median"]), _fine(one["p90"])] for clip, one in nme.items()]
    return (
        "Mean distance to MediaPipe's own landmarks over the distance of the eyes (33 to 263), asked: 1.0 %.\n\n"
        + _rows(rows)
    )


def _jitter(landmarks: dict[str, Any]) -> str:
    names = {"visavis": "as found", "smoothed": "smoothed", "mediapipe": "MediaPipe"}
    figures = ", ".join(f"{names[name]} {_fine(value)}" for name, value in landmarks["jitter"].items())
    return (
        "Jitter of quiet faces, RMS of what a parabola does not explain, over the distance of the eyes, median of "
        f"{landmarks['still_windows']} windows of 15 frames: {figures}. No face of the clips is quite still, and small "
        "movements count as well; decision 0012 has the figures of faces that are held."
    )


def _rows(rows: list[list[str]]) -> str:
    head, *rest = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rest])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def _fine(share: float) -> str:
    return f"{100 * share:.2f} %"
