from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil

from shared.runtime import vitals


def test_processor_time_is_told_by_mode_and_grows() -> None:
    before = {attributes["cpu.mode"]: seconds for seconds, attributes in vitals.cpu()}
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = {attributes["cpu.mode"]: seconds for seconds, attributes in vitals.cpu()}
    assert set(before) == {"user", "system"}
    assert sum(after.values()) > sum(before.values())


def test_memory_is_what_is_resident() -> None:
    ((found, _),) = vitals.memory()
    assert abs(found - psutil.Process().memory_info().rss) < 64 << 20


def test_threads_and_files_are_counted() -> None:
    (threads, _), (files, _) = *vitals.threads(), *vitals.files()
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    descriptor = os.open(Path(__file__), os.O_RDONLY)
    try:
        assert [count for count, _ in vitals.threads()] == [threads + 1]
        assert [count for count, _ in vitals.files()] == [files + 1]
    finally:
        os.close(descriptor)
        over.set()
        thread.join()
