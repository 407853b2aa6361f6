"""Effects are found in a folder and in packages, and the wrong ones are refused by name."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.render.drawing import Painter
from services.render.own.loading import GROUP, load
from services.render.own.painting import OwnPainter, Performance
from shared.model.errors import Misconfigured
from shared.model.look_text import parse_look
from shared.model.parts import Part
from visavis.effects import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[5] / "docs" / "own-effects.md"
HEAD = "from visavis.effects import *\n"
GLOW = HEAD + "@effect('Glows.')\ndef glow(face): pass\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "effects"
    path.mkdir()
    return path


@pytest.fixture
def example() -> str:
    """The complete example of the docs."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_without_a_folder_and_packages_there_are_none() -> None:
    assert load().offers == ()


def test_every_file_of_the_folder_is_loaded_but_for_those_that_begin_with_a_line(folder: Path) -> None:
    (folder / "one.py").write_text(GLOW)
    (folder / "two.py").write_text(GLOW.replace("glow", "shine") + GLOW.replace("glow", "gleam"))
    (folder / "_later.py").write_text("oh no")
    (folder / "notes.txt").write_text("oh no")
    found = load(folder)
    assert list(found.by_name) == ["glow", "shine", "gleam"]
    assert found.by_name["shine"].source == str(folder / "two.py")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "x = (\ny z",
            r"cannot be loaded: own\.py, line \d: .*(never closed|invalid syntax).* Mend it, or take it out",
        ),
        ("\nimport nothing_there", "line 2: ModuleNotFoundError: No module named 'nothing_there'"),
        ("import sys\nsys.exit(3)", "line 2: SystemExit: 3"),
        ("def f():\n  1 / 0\nf()", "line 2: ZeroDivisionError"),
        ("\0", r"own\.py cannot be loaded: .*null bytes"),
        ("x = 1", r"own\.py has no effect in it: write @effect"),
        (GLOW.replace("glow", "Glow"), r"The effect Glow of .*own\.py is refused: its name 'Glow' must be"),
        (GLOW.replace("glow", "smooth"), "The effect smooth of .* is refused: Visavis has an effect of that name"),
        (HEAD + "glow = Effect('glow', 'Glows.', 3)", "The effect glow of .* is refused: its `draw` is 3"),
        (
            HEAD + "@effect('Glows.', much=Number('How.', default=9))\ndef glow(face, much): pass",
            "The effect glow of .* is refused: the default of much is 9, outside of its range",
        ),
        (
            HEAD + "@effect('Glows.')\ndef glow(face): face.glow()",
            r"The effect glow of .* is refused: it fails on a face of 468 points .* own\.py, line 3: AttributeError",
        ),
        (GLOW + "again = Effect('glow', 'Glows.', lambda face: None)", r"glow is there twice, from .*own\.py and from"),
    ],
)
def test_a_wrong_file_is_refused_by_name(folder: Path, source: str, said: str) -> None:
    (folder / "own.py").write_text(source)
    with pytest.raises(Misconfigured, match=said) as raised:
        load(folder)
    assert "\n" not in str(raised.value)
    assert str(folder / "own.py") in str(raised.value)
    assert not str(raised.value).endswith("..")


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(Misconfigured, match=f"VISAVIS_EFFECTS: there is no folder {folder / 'none'}"):
        load(folder / "none")


class Package:
    """An installed package with entry points."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._facts = folder / "vv_effects-1.0.dist-info"
        self._facts.mkdir()
        (self._facts / "METADATA").write_text("Metadata-Version: 2.1\nName: vv-effects\nVersion: 1.0\n")
        (self._facts / "entry_points.txt").write_text(f"[{GROUP}]\n")

    def add(self, module: str, source: str, value: str) -> None:
        (self._folder / f"{module}.py").write_text(source)
        with (self._facts / "entry_points.txt").open("a") as file:
            file.write(f"{module} = {value}\n")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    yield Package(site)
    for name in ("vv_one", "vv_two", "vv_bad"):
        sys.modules.pop(name, None)


def test_an_entry_point_is_an_effect_or_a_module_with_some(package: Package, folder: Path) -> None:
    package.add("vv_two", GLOW.replace("glow", "shine"), "vv_two")
    package.add("vv_one", GLOW, "vv_one:glow")
    (folder / "own.py").write_text(GLOW.replace("glow", "gleam"))
    assert list(load(folder).by_name) == ["glow", "shine", "gleam"]


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("1 / 0", "vv_bad", r"The package vv-effects cannot be loaded as vv_bad: .*ZeroDivisionError"),
        (GLOW, "vv_bad:nothing", "cannot be loaded as vv_bad:nothing: .*AttributeError"),
        (GLOW, "vv_bad:effect", "The package vv-effects has no effect in it"),
        (
            GLOW.replace("glow", "gleam"),
            "vv_bad",
            r"gleam is there twice, from the package vv-effects and from .*own\.py",
        ),
    ],
)
def test_a_wrong_entry_point_is_refused_by_name(
    package: Package, folder: Path, source: str, value: str, said: str
) -> None:
    package.add("vv_bad", source, value)
    (folder / "own.py").write_text(GLOW.replace("glow", "gleam"))
    with pytest.raises(Misconfigured, match=said):
        load(folder)


def test_the_example_of_the_docs_is_short(example: str) -> None:
    assert example.count("\n") < 40


def test_the_example_of_the_docs_freckles_skin_and_spares_eyes_and_lips(example: str, folder: Path, real: Any) -> None:
    (folder / "freckles.py").write_text(example)
    effects, told = load(folder), list[Performance]()
    look = parse_look('{"freckles": {"amount": 1, "density": "many"}}', effects.offers)
    target = real.copy()
    Painter(own=OwnPainter(effects, told.append)).draw(target, real.faces, look)
    differ = target.planes[0] != real.picture.planes[0]
    shares = {part: differ[real.inside(part)].mean() for part in (Part.OVAL, Part.LIPS, Part.LEFT_EYE)}
    assert [one.fault for one in told] == [""]
    assert 0.02 < shares[Part.OVAL] < 0.5
    assert shares[Part.LIPS] == shares[Part.LEFT_EYE] == 0
    face = cv2.dilate(real.inside(Part.OVAL).astype(np.uint8), np.ones((15, 15)))
    assert not differ[face == 0].any()
    assert target.planes[0].astype(int).sum() < real.picture.planes[0].astype(int).sum()


def test_the_example_of_the_docs_is_an_effect_of_the_contract(example: str, folder: Path) -> None:
    (folder / "freckles.py").write_text(example)
    own = load(folder).by_name["freckles"]
    assert isinstance(own.effect, Effect)
    assert {one.name: one.kind for one in own.offer.parameters} == {
        "amount": "number", "density": "choice", "color": "color",
    }  # fmt: skip
