"""Words of the pages."""

from __future__ import annotations

import pytest

from services.gateway.traces.pages import HEADERS, clock, duration, indent, page


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"), (0, "0 ms"), (0.0091, "9.1 µs"), (0.784, "0.784 ms"), (12.345, "12.3 ms"), (434.6, "435 ms"),
        (1738, "1.74 s"), (59_900, "59.9 s"), (61_000, "1 min 1 s"), (3_600_000, "60 min 0 s"),
        (0.0994, "99 µs"), (0.0996, "0.0996 ms"), (0.1, "0.1 ms"), (99.96, "100 ms"), (999.4, "999 ms"), (999.7, "1 s"),
        (59_940, "59.9 s"), (59_999.9, "1 min 0 s"), (119_400, "1 min 59 s"), (119_700, "2 min 0 s"),
    ],
)  # fmt: skip
def test_a_duration_is_short_enough_to_read(ms: float | None, text: str) -> None:
    assert duration(ms) == text


def test_a_time_is_rfc_3339() -> None:
    assert clock(1_767_225_600_123_456_789) == "2026-01-01T00:00:00.123Z"


def test_rows_are_indented_as_far_as_there_is_room() -> None:
    assert [indent(depth) for depth in (0, 5, 12, 2000)] == [0, 5, 12, 12]


def test_what_is_filled_in_is_text_and_never_markup() -> None:
    body = bytes(page("problem.html", 404, title="<b>", detail="<script>alert(1)</script>").body)
    assert b"<script>alert" not in body
    assert b"&lt;script&gt;alert" in body


def test_nothing_but_our_own_script_and_style_may_run() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
