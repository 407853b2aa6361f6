from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.render.pose import MEAN_HEAD, head_pose, head_view
from shared.model.faces import LANDMARKS, Face, Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

GOLDEN = Path(__file__).parents[5] / "shared" / "golden"
ALL_LAYOUTS = pytest.mark.parametrize("layout", list(Layout))


def turned(yaw: float, pitch: float, roll: float) -> Points:
    """The mean head as a mesh that has only its points, turned, nodded and tilted by so many degrees, 200 px large."""
    y, p, r = (math.radians(angle) for angle in (-yaw, -pitch, roll))
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    mesh = np.zeros((LANDMARKS, 3))
    mesh[list(MEAN_HEAD)] = np.array(list(MEAN_HEAD.values()))
    return np.asarray(mesh @ (about_z @ about_x @ about_y).T * 200 + (320, 240, 0))


def as_layout(mesh: Points, layout: Layout) -> Face:
    """The face as a model of that layout would give it."""
    if layout is Layout.MESH:
        points = mesh
    elif layout is Layout.FIVE:
        points = np.array([mesh[list(one)].mean(axis=0) for one in ((33, 133), (362, 263), (4,), (61,), (291,))])
    else:
        points = np.zeros((68, 3))
        points[[27, 28, 29, 30, 31, 33, 35]] = mesh[[168, 6, 195, 4, 98, 2, 327]]
        points[[36, 39, 42, 45, 48, 54]] = mesh[[33, 133, 362, 263, 61, 291]]
    return Face.of((points * (1, 1, layout is Layout.MESH)).astype(np.float32), 1.0)


def angles(mesh: Points, layout: Layout) -> Points:
    pose = head_pose(as_layout(mesh, layout))
    return np.array([pose.yaw, pose.pitch, pose.roll])


@ALL_LAYOUTS
@pytest.mark.parametrize("pose", [(0, 0, 0), (25, 0, 0), (0, 15, 0), (0, 0, 30), (-40, 20, -120), (60, -35, 175)])
def test_a_head_that_is_turned_says_by_how_much(layout: Layout, pose: tuple[float, float, float]) -> None:
    assert angles(turned(*pose), layout) == pytest.approx(pose, abs=0.01)


@ALL_LAYOUTS
def test_who_looks_to_the_right_of_the_picture_has_a_positive_yaw(layout: Layout) -> None:
    mesh = turned(0, 0, 0)
    mesh[[4, 1, 5, 195]] += (20, 0, 0)  # the tip of the nose, moved to the right
    assert angles(mesh, layout)[0] > 1


@ALL_LAYOUTS
def test_who_looks_up_has_a_positive_pitch(layout: Layout) -> None:
    mesh = turned(0, 0, 0)
    mesh[[4, 1, 5, 195]] -= (0, 20, 0)
    assert angles(mesh, layout)[1] > 1


@ALL_LAYOUTS
def test_a_mirrored_face_looks_and_tilts_to_the_other_side(layout: Layout) -> None:
    pose = angles(turned(30, 10, 20), layout)
    mirror = {33: 263, 133: 362, 127: 356, 103: 332, 98: 327, 61: 291}
    mesh = turned(30, 10, 20)
    right, left = list(mirror), list(mirror.values())
    mesh[right + left] = mesh[left + right]
    assert angles(mesh * (-1, 1, 1), layout) == pytest.approx(pose * (-1, 1, -1), abs=0.01)


@ALL_LAYOUTS
def test_a_head_that_rolls_over_does_so_without_a_jump(layout: Layout) -> None:
    rolls = np.array([angles(turned(20, 10, roll), layout) for roll in range(150, 211, 5)])
    assert np.ptp(rolls[:, :2], axis=0) == pytest.approx(0, abs=0.01)
    assert np.diff(np.unwrap(rolls[:, 2], period=360)) == pytest.approx(5, abs=0.01)


@ALL_LAYOUTS
def test_a_head_that_turns_past_its_profile_does_so_without_a_flip(layout: Layout) -> None:
    poses = np.array([angles(turned(yaw, 10, 5), layout) for yaw in range(60, 111, 5)])
    assert np.diff(poses[:, 0]) == pytest.approx(5, abs=0.01)
    assert np.ptp(poses[:, 1:], axis=0) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("clip", ["signer_plain", "two_heads"])
@pytest.mark.parametrize("layout", [Layout.IBUG, Layout.FIVE])
def test_all_layouts_agree_on_real_faces(clip: str, layout: Layout) -> None:
    if not GOLDEN.exists():
        pytest.skip(f"The golden landmarks in {GOLDEN} are not on this machine.")
    for mesh in np.load(GOLDEN / f"{clip}.npz")["mesh"][::5].astype(np.float64):
        assert angles(mesh, layout) == pytest.approx(angles(mesh, Layout.MESH), abs=6)


def test_the_woman_and_the_man_look_where_they_are_seen_to_look() -> None:
    """At the end both lean their heads to the left of the picture; she looks left and up, he ahead."""
    if not GOLDEN.exists():
        pytest.skip(f"The golden landmarks in {GOLDEN} are not on this machine.")
    golden = np.load(GOLDEN / "two_heads.npz")
    last = golden["mesh"][golden["mesh_frame"] == golden["mesh_frame"].max()]
    she, he = sorted((angles(mesh, Layout.MESH) for mesh in last), key=lambda pose: float(pose[0]))
    assert she == pytest.approx((-36, 20, -47), abs=10)
    assert he == pytest.approx((5, -2, -40), abs=10)


@ALL_LAYOUTS
@pytest.mark.parametrize("pose", [(0, 0, 0), (35, -10, 20), (-50, 20, -140)])
def test_the_size_and_the_turn_of_a_head_are_told_however_it_is_turned(
    layout: Layout, pose: tuple[float, float, float]
) -> None:
    mesh = turned(*pose)
    view = head_view(as_layout(mesh, layout).landmarks_px)
    assert view.scale_px == pytest.approx(200, rel=1e-3)
    across = mesh[263] - mesh[33]
    assert view.offset_px((1.0, 0.0, 0.0)) == pytest.approx(across[:2], abs=0.5)
    assert view.offset_px(MEAN_HEAD[4]) == pytest.approx((mesh[4] - (320, 240, 0))[:2], abs=0.5)
    assert view.origin_px + view.offset_px(MEAN_HEAD[61]) == pytest.approx(mesh[61, :2], abs=0.5)
