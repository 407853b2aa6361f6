from __future__ import annotations

import re
from itertools import pairwise

import pytest

from shared.runtime.instruments import HOP_WAITED, INSTRUMENTS, PROCESS_CPU, PROCESS_MEMORY, Instrument


def test_no_name_stands_twice() -> None:
    assert len({one.name for one in INSTRUMENTS}) == len(INSTRUMENTS) == len({one.family for one in INSTRUMENTS})


@pytest.mark.parametrize("one", INSTRUMENTS, ids=lambda one: one.name)
def test_every_one_says_what_it_measures_by_the_conventions(one: Instrument) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z_]+)+", one.name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", one.family)
    assert one.unit in {"s", "By", "1"} or re.fullmatch(r"\{[a-z_]+\}", one.unit)
    assert one.description.endswith(".")


@pytest.mark.parametrize("one", INSTRUMENTS, ids=lambda one: one.name)
def test_histograms_and_only_they_have_buckets_that_rise(one: Instrument) -> None:
    assert bool(one.boundaries) == (one.kind == "histogram")
    assert all(low < high for low, high in pairwise(one.boundaries))


def test_units_are_suffixes_in_prometheus() -> None:
    assert HOP_WAITED.family == "visavis_hop_waited_seconds"
    assert (PROCESS_CPU.family, PROCESS_MEMORY.family) == ("process_cpu_time_seconds", "process_memory_usage_bytes")
    assert Instrument("visavis.room", "gauge", "1", "Free.").family == "visavis_room_ratio"
    assert Instrument("visavis.messages", "counter", "{message}", "Many.").family == "visavis_messages"
