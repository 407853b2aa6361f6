"""`visavis looks`"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.model.catalogue import catalogue
from shared.model.look_schema import look_schema
from shared.model.look_text import parse_look
from shared.model.presets import PRESETS
from visavis.cli import main

if TYPE_CHECKING:
    from pathlib import Path

Said = pytest.CaptureFixture[str]


@pytest.mark.parametrize("words", [["looks"], ["looks", "list"]])
def test_every_preset_and_every_effect_is_listed_with_its_sentence(words: list[str], capsys: Said) -> None:
    assert main(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for name in PRESETS)
    assert all(one.name in said and one.sentence.split(",")[0][:30] in said for one in catalogue())


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_shown_as_a_look_to_start_from(name: str, capsys: Said) -> None:
    assert main(["looks", "show", name]) == 0
    assert parse_look(capsys.readouterr().out) == PRESETS[name]


def test_an_unknown_preset_is_told_the_one_that_was_meant(capsys: Said) -> None:
    assert main(["looks", "show", "glamor"]) == 1
    assert capsys.readouterr().err == "visavis: There is no preset 'glamor'. Did you mean glamour?\n"


def test_the_schema_is_that_of_the_service(capsys: Said) -> None:
    assert main(["looks", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(look_schema()))


@pytest.mark.parametrize("ending", ["json", "look"])
def test_a_look_in_a_file_is_checked(tmp_path: Path, capsys: Said, ending: str) -> None:
    path = tmp_path / f"mine.{ending}"
    path.write_text('\ufeff{"smooth": 0.5, "blush": {}, "enlarge_eyes": 0.2}')
    assert main(["looks", "check", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "The look is valid. It draws smooth, blush, enlarge_eyes.",
        "Faces of 68 points cannot carry blush.",
        "Faces of 5 points cannot carry smooth, blush.",
    ]


def test_effects_of_ones_own_are_named_and_left_to_the_service(capsys: Said) -> None:
    assert main(["looks", "check", '{"smooth": 0.5, "freckles": 1, "slimface": 1}']) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "The look is valid. It draws smooth, freckles, slimface.",
        "Visavis has no freckles itself: a service that has it checks it.",
        "Visavis has no slimface itself: a service that has it checks it. Did you mean slim_face?",
    ]


def test_a_look_that_draws_nothing_is_one(capsys: Said) -> None:
    assert main(["looks", "check", "none"]) == 0
    assert capsys.readouterr().out == "The look is valid. It draws nothing.\n"


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ('{"lipstick": {"color": "red"}}', "`$.lipstick.color` must be"),
        ("glamor", "Did you mean glamour?"),
        ("missing.json", "missing.json: No such file"),
        ("@missing", "missing: No such file"),
    ],
)
def test_what_is_wrong_with_a_look_is_one_sentence(look: str, words: str, capsys: Said) -> None:
    assert main(["looks", "check", look]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert words in line
