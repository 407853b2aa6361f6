"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from visavis.cli.options import add_models, add_models_folder, add_server, chosen_models, server

if TYPE_CHECKING:
    import pytest


def test_a_server_that_is_named_is_used_and_nothing_is_started(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_server(parser)
    options = parser.parse_args(["--server", "http://somewhere:1"])
    options.models = tmp_path / "none"
    with server(options, Console()) as url:
        assert url == "http://somewhere:1"
    assert not options.models.exists()


def test_models_are_named_or_else_the_deployments() -> None:
    parser = argparse.ArgumentParser()
    add_models(parser)
    assert chosen_models(parser.parse_args([])) == {"detector": "", "landmarks": ""}
    found = chosen_models(parser.parse_args(["--detector", "scrfd-500m", "--landmarks", "keypoints"]))
    assert found == {"detector": "scrfd-500m", "landmarks": "keypoints"}


def test_the_folder_of_the_models_is_the_options_or_else_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", "~/mine")
    parser = argparse.ArgumentParser()
    add_models_folder(parser)
    assert parser.parse_args([]).models == Path("~/mine").expanduser()
    assert parser.parse_args(["--models", "/other"]).models == Path("/other")
