"""What a block of threads does on a working grid, against NumPy and OpenCV: what all tone effects are made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from services.render.cuda.toning import INCLUDED
from services.render.masks import feathered, filled, fixed_point, mean, stroked
from tests.cuda.devices import BOTH, opened

if TYPE_CHECKING:
    from shared.cuda.device import Device, Kernels
    from tests.cuda.devices import Kind

KERNELS = """
#include "masks.cuh"

TOGETHER void averaged(const float *from, float *to, float *sums, int rows, int columns, int radius) {
    mean(Grid{rows, columns}, (Pair *)sums, radius, [=](int at) { return Pair{from[at], 1.0f}; },
         [=](int at, Pair middle) { to[at] = middle.a / middle.b; });
}

TOGETHER void grown(const float *from, float *to, float *room, int rows, int columns, int radius) {
    most(Grid{rows, columns}, room, radius, [=](int at) { return from[at]; },
         [=](int at, float found) { to[at] = found; });
}

TOGETHER void within(const int *points, const int *counts, int rings, float *mask, float *room, int rows, int columns) {
    Line lines[4];
    for (int ring = 0, start = 0; ring < rings; start += counts[ring], ring++)
        lines[ring] = {points + 2 * start, counts[ring]};
    unsigned *bits = (unsigned *)room + rows * columns;
    fill(Grid{rows, columns}, mask, lines, rings, (int *)room, bits, bits + rows * columns);
}

TOGETHER void along(const int *points, int count, float width, float *mask, float *room, int rows, int columns) {
    stroke(Grid{rows, columns}, mask, {points, count}, width, (int *)room);
}

TOGETHER void softened(float *mask, float radius, float *room, int rows, int columns) {
    feather(Grid{rows, columns}, mask, radius, room);
}

TOGETHER void counted_out(const float *levels, int cells, float percent, int middle, float *told) {
    __shared__ int room[256];
    Levels found = counted(cells, room, [=](int at) { return levels[at] < 200; }, [=](int at) { return levels[at]; });
    float between = percentile(found, percent), rank = ranked(found, found.all / 2);
    float far = ranked(found, found.all / 2, middle);
    float own = 0;
    for (int at = threadIdx.x; at < cells; at += blockDim.x) own += levels[at];
    float sum = summed(own);
    if (threadIdx.x == 0) told[0] = found.all, told[1] = between, told[2] = rank, told[3] = far, told[4] = sum;
}
"""
BLOCK = (256, 1, 1)
ONE = (1, 1, 1)
SIZES = [(1, 1), (1, 40), (37, 1), (5, 300), (61, 83)]


@pytest.fixture(params=BOTH)
def device(request: pytest.FixtureRequest) -> Device:
    kind: Kind = request.param
    return opened(kind)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kernels") / "grids.cu"
    path.write_text(KERNELS)
    return path


@pytest.fixture
def kernels(device: Device, source: Path) -> Kernels:
    return device.kernels(source, INCLUDED)


def on_grid(device: Device, kernels: Kernels, name: str, grid: np.ndarray, radius: int) -> np.ndarray:
    given, made, room = (
        device.upload(grid),
        device.empty(grid.shape, np.float32),
        device.empty((2 * grid.size,), np.float32),
    )
    kernels.launch(name, ONE, BLOCK, given, made, room, *(np.int32(value) for value in (*grid.shape, radius)))
    return device.download(made)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("radius", [1, 4, 50])
def test_windows_are_as_on_the_host(size: tuple[int, int], radius: int, device: Device, kernels: Kernels) -> None:
    grid = np.random.default_rng(3).integers(0, 256, size).astype(np.float32)
    assert np.allclose(on_grid(device, kernels, "averaged", grid, radius), mean(grid, radius), atol=0.01)
    window = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    assert np.array_equal(on_grid(device, kernels, "grown", grid, radius), cv2.dilate(grid, window))


def filled_by(device: Device, kernels: Kernels, size: tuple[int, int], rings: list[np.ndarray]) -> np.ndarray:
    points = device.upload(fixed_point(np.concatenate(rings)))
    counts = device.upload(np.array([len(ring) for ring in rings], np.int32))
    mask, room = device.empty(size, np.float32), device.empty((3 * size[0] * size[1],), np.float32)
    kernels.launch("within", ONE, BLOCK, points, counts, np.int32(len(rings)), mask, room, *map(np.int32, size))
    return device.download(mask)


def star(noise: np.random.Generator, x: float, y: float, least: float, most: float, corners: int = 24) -> np.ndarray:
    angles = np.sort(noise.uniform(0, 2 * np.pi, corners))
    radii = noise.uniform(least, most, corners)
    return np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1).astype(np.float32)


def test_rings_are_filled_as_opencv_fills_them(device: Device, kernels: Kernels) -> None:
    size, noise = (70, 90), np.random.default_rng(4)
    for _ in range(8):
        rings = [star(noise, 45, 35, 20, 30), star(noise, 80, 60, 5, 25, 12), star(noise, -10, 20, 10, 30, 9)]
        one, other = filled_by(device, kernels, size, rings), filled(size, rings).astype(float)
        one, other = (
            one[1:-1, 1:-1],
            other[1:-1, 1:-1],
        )  # along the border OpenCV cuts edges off a cell earlier or later
        assert (one[other == 255] > 128).all()
        assert (one[other == 0] < 26).all()
        edge = (other > 0) & (other < 255)
        assert np.sqrt(np.square(one - other)[edge].mean()) < 8


def test_rings_that_cross_themselves_or_lie_far_away_are_filled_all_the_same(device: Device, kernels: Kernels) -> None:
    crossed = np.array([(5, 5), (60, 50), (60, 5), (5, 50)], np.float32)
    around = np.array([(-1e6, -1e6), (1e6, -1e6), (1e6, 1e6), (-1e6, 1e6)], np.float32)
    flat = np.array([(10, 20), (50, 20), (50, 20.2), (10, 20.2)], np.float32)
    for ring in (crossed, around, flat, around + 2e6):
        one, other = filled_by(device, kernels, (60, 70), [ring]), filled((60, 70), [ring]).astype(float)
        assert np.abs(one - other).mean() < 1


@pytest.mark.parametrize("width", [0.4, 1.0, 2.1, 3.3, 4.0, 5.2, 8.0])
def test_lines_are_stroked_as_opencv_strokes_them(width: float, device: Device, kernels: Kernels) -> None:
    size, noise = (70, 90), np.random.default_rng(5)
    for _ in range(4):
        line = np.stack([np.linspace(10, 80, 8), 35 + np.cumsum(noise.uniform(-6, 6, 8))], axis=1).astype(np.float32)
        mask, room = device.empty(size, np.float32), device.empty(size, np.float32)
        fixed = device.upload(fixed_point(line))
        kernels.launch("along", ONE, BLOCK, fixed, np.int32(8), np.float32(width), mask, room, *map(np.int32, size))
        one, other = device.download(mask), stroked(size, line, width).astype(float)
        assert np.sqrt(np.square(one - other)[(other > 0) | (one > 0)].mean()) < 255 * 0.1


def test_edges_are_softened_as_on_the_host(device: Device, kernels: Kernels) -> None:
    mask = filled((60, 70), [star(np.random.default_rng(6), 30, 30, 15, 25)])
    for radius in (0.2, 2.5, 7.0):
        given, room = device.upload(mask.astype(np.float32)), device.empty(mask.shape, np.float32)
        kernels.launch("softened", ONE, BLOCK, given, np.float32(radius), room, np.int32(60), np.int32(70))
        assert np.abs(device.download(given) - feathered(mask, radius)).max() <= 1.01 / 255


def test_levels_are_counted_and_ranked(device: Device, kernels: Kernels) -> None:
    levels = np.random.default_rng(7).integers(0, 256, 5000).astype(np.float32)
    told = device.empty((5,), np.float32)
    given = device.upload(levels)
    kernels.launch("counted_out", ONE, BLOCK, given, np.int32(5000), np.float32(30), np.int32(90), told)
    low = np.sort(levels[levels < 200])
    expected = (len(low), np.percentile(low, 30), low[len(low) // 2], np.sort(np.abs(low - 90))[len(low) // 2])
    assert np.allclose(device.download(told), (*expected, levels.sum()), rtol=1e-5)
