from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.derived.settings_page import READERS
from visavis.cli.variables import OF_COMPOSE, unread, variables_of, wrong

ROOT = Path(__file__).parents[4]


def test_a_wrong_variable_is_said_with_everybody_who_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_NATS_REPLICAS", "9")
    monkeypatch.setenv("VISAVIS_MAX_FACES", "0")
    assert wrong() == {
        "VISAVIS_NATS_REPLICAS=9: Input should be less than or equal to 5": ["ingest", "detect", "render", "gateway"],
        "VISAVIS_MAX_FACES=0: Input should be greater than or equal to 1": ["detect"],
    }


@pytest.mark.parametrize(
    ("variable", "value", "service"),
    [
        ("VISAVIS_SOURCE_NETWORKS", "here", "ingest"),
        ("VISAVIS_CALLBACK_NETWORKS", "10.0.0.0/99", "gateway"),
        ("VISAVIS_CALLBACK_SECRET", "no secret", "gateway"),
    ],
)
def test_a_text_that_a_service_would_refuse_later_is_said_too(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, service: str
) -> None:
    monkeypatch.setenv(variable, value)
    (sentence, services), *others = wrong().items()
    assert (sentence.startswith(variable), services, others) == (True, [service], [])
    assert "no secret" not in sentence


def test_a_variable_that_nobody_reads_is_found_with_the_one_that_is_near() -> None:
    names = ["VISAVIS_DETECT_EVRY", "VISAVIS_DETECT_EVERY", "visavis_card", "PATH", "VISAVIS_COLOUR_OF_THE_SKY"]
    assert unread(names) == {"VISAVIS_COLOUR_OF_THE_SKY": "", "VISAVIS_DETECT_EVRY": "VISAVIS_DETECT_EVERY"}


def test_every_variable_of_every_reader_is_known() -> None:
    fields = [(kind, name, field) for kind in READERS.values() for name, field in kind.model_fields.items()]
    assert unread(variable for field in fields for variable in variables_of(*field)) == {}


def test_every_variable_that_the_page_of_settings_names_is_known() -> None:
    named = set(re.findall(r"VISAVIS_[A-Z0-9_]*[A-Z0-9]", (ROOT / "docs" / "settings.md").read_text()))
    assert {"VISAVIS_IMAGE_BASE", "VISAVIS_NATS_URL"} <= named
    assert unread(named) == {}


def test_what_deployments_put_in_place_themselves_is_known() -> None:
    files = subprocess.run(
        ["git", "ls-files", "docker-compose.yml", "deploy"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    texts = "".join((ROOT / name).read_text(errors="replace") for name in files)
    put = set(re.findall(r"\$\{(?:env:)?(VISAVIS_\w+)", texts))
    assert put >= OF_COMPOSE
    assert unread(put) == {}
