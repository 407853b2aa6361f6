"""The recorder of copies, by a CUPTI that is none; and that the real one's records are what it takes them for."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from shared.model.errors import Misconfigured
from tests.cuda.emulated import COMPILER, WHY_NOT
from tests.cuda.traced import ASYNC, CARD, DTOD, DTOH, HTOD, PAGEABLE, PINNED, FakeCupti, build_fake
from tests.gpu.copies import Copy
from tests.gpu.recorder import CuptiRecorder, build, version

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
LAYOUT = """
#include <cupti.h>
#define SAME(field, at, size) static_assert(offsetof(T, field) == at && sizeof(T::field) == size)
template <class T> struct As { static constexpr bool ours = true;
    SAME(kind, 0, 4); SAME(copyKind, 4, 1); SAME(srcKind, 5, 1); SAME(dstKind, 6, 1); SAME(flags, 7, 1);
    SAME(bytes, 8, 8); SAME(start, 16, 8); SAME(end, 24, 8);
};
static_assert(As<CUpti_ActivityMemcpy6>::ours && As<CUpti_ActivityMemcpyPtoP4>::ours);
static_assert(CUPTI_SUCCESS == 0 && CUPTI_ACTIVITY_KIND_MEMCPY == 1 && CUPTI_ACTIVITY_KIND_MEMCPY2 == 22);
static_assert(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED == 1 && CUPTI_ACTIVITY_FLAG_MEMCPY_ASYNC == 1);
static_assert(CUPTI_ACTIVITY_MEMCPY_KIND_HTOD == 1 && CUPTI_ACTIVITY_MEMCPY_KIND_DTOH == 2);
static_assert(CUPTI_ACTIVITY_MEMCPY_KIND_HTOA == 3 && CUPTI_ACTIVITY_MEMCPY_KIND_ATOH == 4);
static_assert(CUPTI_ACTIVITY_MEMCPY_KIND_DTOD == 8 && CUPTI_ACTIVITY_MEMCPY_KIND_HTOH == 9);
static_assert(CUPTI_ACTIVITY_MEMCPY_KIND_PTOP == 10 && CUPTI_ACTIVITY_MEMORY_KIND_PAGEABLE == 1);
static_assert(CUPTI_ACTIVITY_MEMORY_KIND_PINNED == 2 && CUPTI_ACTIVITY_MEMORY_KIND_DEVICE == 3);
"""


@pytest.fixture
def cupti(tmp_path: Path) -> Path:
    return build_fake(tmp_path)


def test_copies_are_counted_by_kind_memories_and_size(cupti: Path, tmp_path: Path) -> None:
    recorder, card = CuptiRecorder(build(tmp_path), str(cupti)), FakeCupti(cupti)
    card.copy(DTOH, (CARD, PINNED), 100)
    card.copy(DTOH, (CARD, PINNED), 100)
    card.copy(DTOH, (CARD, PAGEABLE), 100, flags=0)
    card.copy(HTOD, (PINNED, CARD), 2**33)
    expected = {
        Copy(DTOH, CARD, PINNED, True, 100): 2,
        Copy(DTOH, CARD, PAGEABLE, False, 100): 1,
        Copy(HTOD, PINNED, CARD, True, 2**33): 1,
    }
    assert recorder.taken() == (Counter(expected), 0)
    assert recorder.taken() == (Counter(), 0)


def test_other_records_are_passed_over_and_copies_between_cards_are_not(cupti: Path, tmp_path: Path) -> None:
    recorder, card = CuptiRecorder(build(tmp_path), str(cupti)), FakeCupti(cupti)
    card.record(22, 10, (CARD, CARD), 7)
    card.enable(10)
    card.record(10, 1, (PINNED, CARD), 9)
    assert recorder.taken() == (Counter({Copy(10, CARD, CARD, True, 7): 1}), 0)


def test_nothing_is_lost_of_what_many_threads_copy(cupti: Path, tmp_path: Path) -> None:
    recorder, card = CuptiRecorder(build(tmp_path), str(cupti)), FakeCupti(cupti)
    each = 5000  # some buffers full

    def copy() -> None:
        for _ in range(each):
            card.copy(DTOD, (CARD, CARD), 5)

    threads = [threading.Thread(target=copy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.taken() == (Counter({Copy(DTOD, CARD, CARD, bool(ASYNC), 5): 4 * each}), 0)


def test_a_library_that_is_missing_or_none_is_told(tmp_path: Path) -> None:
    built = build(tmp_path)
    with pytest.raises(Misconfigured, match=r"does not record: .*cannot open"):
        CuptiRecorder(built, "/no/such file")
    with pytest.raises(Misconfigured, match="does not record: it has no cuptiActivity"):
        CuptiRecorder(built, str(built))


def test_the_version_is_told(cupti: Path) -> None:
    assert version(str(cupti)) == "130001"


def test_the_real_ones_records_are_as_they_are_read(tmp_path: Path) -> None:
    source = tmp_path / "layout.cpp"
    source.write_text(f"#include <cstddef>\n{LAYOUT}")
    assert COMPILER is not None
    command = [COMPILER, "-std=c++17", "-fsyntax-only", "-I/usr/local/cuda/include", str(source)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cupti.h: No such file" in told.stderr or "'cupti.h' file not found" in told.stderr:
        pytest.skip("CUDA's headers are not on this machine.")
    assert not told.returncode, told.stderr
