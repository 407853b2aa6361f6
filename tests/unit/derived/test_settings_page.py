from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.derived.settings_page import PAGE, READERS, written

ROOT = Path(__file__).parents[3]
TEXT = PAGE.read_text()
CLASS = re.compile(r"^class (\w+)\((\w*Settings|_Limited)\):", re.MULTILINE)
VARIABLE = re.compile(r"VISAVIS_[A-Z0-9]+(?:_[A-Z0-9]+)*")


def test_the_page_is_that_of_the_settings() -> None:
    assert written(TEXT) == TEXT, "run `python -m tests.derived.settings_page`"


@pytest.mark.parametrize("reader", READERS)
def test_every_setting_stands_there_with_who_reads_it_and_its_default(reader: str) -> None:
    rows = [row.strip("| ").split(" | ") for row in TEXT.splitlines() if row.startswith("| `")]
    for name, field in READERS[reader].model_fields.items():
        if field.validation_alias is None:
            [row] = [one for one in rows if one[0] == f"`VISAVIS_{name.upper()}`" and reader in one[3].split(", ")]
            if type(field.default) in (int, float):
                assert row[2].split()[0] == f"{field.default:.15g}"


def test_every_settings_class_that_ships_has_its_place() -> None:
    """Of those that nobody derives from."""
    sources = [path.read_text() for part in ("services", "shared", "visavis") for path in (ROOT / part).rglob("*.py")]
    classes = [one for text in sources for one in CLASS.findall(text)]
    assert {name for name, _ in classes} - {base for _, base in classes} == {one.__name__ for one in READERS.values()}


def test_every_variable_that_a_page_names_is_a_setting_or_one_that_a_file_of_a_deployment_reads() -> None:
    files = [*ROOT.glob("docker-compose*.yml"), *(ROOT / "deploy").rglob("*.yml"), *(ROOT / "deploy").rglob("*.yaml")]
    of_files = {name for path in files for name in re.findall(r"\$\{(?:env:)?(VISAVIS_\w+)", path.read_text())}
    known = of_files | set(VARIABLE.findall(TEXT))
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    named = [(page.name, name) for page in pages for name in VARIABLE.findall(page.read_text())]
    assert not [(page, name) for page, name in named if name not in known]
