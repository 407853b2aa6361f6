"""What every device does, on the emulated one and, where there is one, on a card."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.cuda.device import blocks
from shared.model.errors import Misconfigured
from tests.cuda.devices import BOTH, opened

if TYPE_CHECKING:
    from shared.cuda.device import Device
    from tests.cuda.devices import Kind

KERNELS = """
#include "card.cuh"

SEPARATE void darker(const uint8 *__restrict__ from, uint8 *to, int columns, int rows, float share) {
    int x = column_of_thread(), y = row_of_thread();
    if (x < columns && y < rows) to[y * columns + x] = sample_of(from[y * columns + x] * share);
}

SEPARATE void copied(uint8 *const *named, int count) {
    int at = column_of_thread();
    if (at < count) named[1][at] = named[0][at];
}

struct Row { const int *from; long long count; };

SEPARATE void firsts(const Row *rows, int *to) {
    int row = column_of_thread();
    to[row] = rows[row].count ? rows[row].from[0] : -1;
}

TOGETHER void summed(const int *from, long long *sum, int count) {
    __shared__ long long parts[1024];
    long long own = 0;
    for (int at = threadIdx.x; at < count; at += blockDim.x) own += from[at];
    parts[threadIdx.x] = own;
    __syncthreads();
    if (threadIdx.x == 0) {
        long long all = 0;
        for (unsigned at = 0; at < blockDim.x; at++) all += parts[at];
        sum[blockIdx.x] = all;
    }
}
"""


@pytest.fixture(params=BOTH)
def device(request: pytest.FixtureRequest) -> Device:
    kind: Kind = request.param
    return opened(kind)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "tried.cu"
    path.write_text(KERNELS)
    return path


def test_what_is_uploaded_comes_back(device: Device) -> None:
    host = np.arange(2_000_000, dtype=np.int32).reshape(1000, 2000)
    array = device.upload(host)
    kept = host.copy()
    host[:] = 0
    assert (device.download(array) == kept).all()
    other = device.empty(kept.shape, kept.dtype)
    device.copy(array, other)
    assert (device.download(other) == kept).all()
    assert (device.download(other[10:12, ::3]) == kept[10:12, ::3]).all()


def test_what_is_fetched_is_there_when_a_later_mark_is_waited_for(device: Device) -> None:
    first, second = (device.upload(np.full((500, 700), level, np.uint8)) for level in (3, 4))
    pinned = [device.pinned(first.nbytes).reshape(first.shape) for _ in range(2)]
    device.fetch(first, pinned[0])
    mark = device.mark()
    device.copy(second, first)  # behind the fetch
    device.fetch(first, pinned[1])
    mark.wait()
    assert (pinned[0] == 3).all()
    device.mark().wait()
    mark.wait()
    assert (pinned[1] == 4).all()


def test_another_thread_can_wait(device: Device) -> None:
    samples = np.arange(1_000_000, dtype=np.uint8)
    given, pinned = device.upload(samples), device.pinned(samples.nbytes)
    device.fetch(given, pinned)
    waiting = Thread(target=device.mark().wait)
    waiting.start()
    waiting.join()
    assert (pinned == samples).all()


def test_a_kernel_reads_and_writes_what_a_record_names(device: Device, source: Path) -> None:
    samples = device.upload(np.arange(24, dtype=np.uint8).reshape(4, 6))
    drawn = device.empty((4, 6), np.uint8)
    record = device.upload(np.array([device.address(samples[2]), device.address(drawn)], np.uint64))
    device.kernels(source).launch("copied", (1, 1, 1), (32, 1, 1), record, np.int32(12))
    assert (device.download(drawn).ravel()[:12] == np.arange(12, 24)).all()


def test_memory_of_others_is_an_array_where_it_lies(device: Device) -> None:
    owned = device.upload(np.arange(60, dtype=np.uint8))
    borrowed = device.borrowed(device.address(owned) + 12, (4, 6, 2))
    assert device.download(borrowed)[3, 5].tolist() == [58, 59]
    device.copy(device.upload(np.full((4, 3, 2), 7, np.uint8)), borrowed[:, :3])
    assert device.download(owned)[10:20].tolist() == [10, 11, 7, 7, 7, 7, 7, 7, 18, 19]


def test_every_thread_does_its_sample(device: Device, source: Path) -> None:
    samples = np.random.default_rng(1).integers(0, 256, (77, 131), np.uint8)
    given, drawn = device.upload(samples), device.empty(samples.shape, np.uint8)
    grid, block = blocks(131, 77)
    kernels = device.kernels(source)
    kernels.launch("darker", grid, block, given, drawn, np.int32(131), np.int32(77), np.float32(0.3))
    expected = np.rint(samples * np.float32(0.3)).astype(np.uint8)
    assert (device.download(drawn) == expected).all()


def test_a_kernel_finds_arrays_in_a_table(device: Device, source: Path) -> None:
    numbers = device.upload(np.arange(100, dtype=np.int32))
    table = np.array([(device.address(numbers[start:]), 1) for start in (0, 7, 99)], np.uint64)
    firsts = device.empty((3,), np.int32)
    device.kernels(source).launch("firsts", (1, 1, 1), (3, 1, 1), device.upload(table), firsts)
    assert device.download(firsts).tolist() == [0, 7, 99]


def test_threads_of_a_block_work_together(device: Device, source: Path) -> None:
    numbers = np.arange(10_000, dtype=np.int32)
    total = device.empty((3,), np.int64)
    given = device.upload(numbers)
    device.kernels(source).launch("summed", (3, 1, 1), (256, 1, 1), given, total, np.int32(len(numbers)))
    assert device.download(total).tolist() == [numbers.sum()] * 3


def test_what_is_recorded_is_done_again_on_the_same_memory(device: Device, source: Path) -> None:
    given, drawn = device.upload(np.full((8, 32), 100, np.uint8)), device.empty((8, 32), np.uint8)
    kernels, size = device.kernels(source), (np.int32(32), np.int32(8), np.float32(0.5))

    def work() -> None:
        kernels.launch("darker", *blocks(32, 8), given, drawn, *size)

    work()
    play = device.recorded(work)
    for level in (200, 40):
        device.copy(device.upload(np.full((8, 32), level, np.uint8)), given)
        play()
        assert (device.download(drawn) == level // 2).all()


def test_what_is_fetched_where_it_is_recorded_comes_each_time(device: Device) -> None:
    given, pinned = device.upload(np.zeros((5, 7), np.int32)), device.pinned(4 * 5 * 7).view(np.int32).reshape(5, 7)

    def work() -> None:
        device.fetch(given, pinned)

    play = device.recorded(work)
    assert (play is work) == (device.memory != "cuda"), "on a card it is a graph"
    for level in (200, 40):
        device.copy(device.upload(np.full((5, 7), level, np.int32)), given)
        play()
        device.synchronize()
        assert (pinned == level).all()


def test_what_fails_while_it_is_recorded_is_done_as_it_is(device: Device) -> None:
    def failing() -> None:
        raise ValueError("not now")

    assert device.recorded(failing) is failing
    assert device.download(device.upload(np.arange(3, dtype=np.int32))).tolist() == [0, 1, 2]


def test_it_works_as_long_as_nothing_fails(device: Device) -> None:
    device.upload(np.zeros(1000, np.uint8))
    assert device.works()


def test_what_cannot_be_compiled_is_told_with_the_reason(device: Device, tmp_path: Path) -> None:
    path = tmp_path / "wrong.cu"
    path.write_text('#include "card.cuh"\nSEPARATE void wrong(int *to) { *to = nobody_knows; }\n')
    with pytest.raises(Misconfigured, match="nobody_knows"):
        device.kernels(path)
