from __future__ import annotations

from itertools import pairwise

from shared.model.faces import Layout
from shared.model.parts import GIVEN, Part


def test_every_layout_says_which_parts_it_gives() -> None:
    assert set(GIVEN) == set(Layout)
    assert GIVEN[Layout.MESH] == set(Part)


def test_more_points_never_give_fewer_parts() -> None:
    given = [GIVEN[layout] for layout in sorted(Layout)]
    assert all(few <= many for few, many in pairwise(given))


def test_what_is_right_is_left_too() -> None:
    names = set(Part)
    assert all(Part(name.replace("right", "left")) in names for name in names if name.startswith("right"))
