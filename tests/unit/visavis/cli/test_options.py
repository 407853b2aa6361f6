"""Options that several commands share."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from shared.model.errors import Rejected
from visavis.cli import main
from visavis.cli.options import (
    add_effects_folder,
    add_look,
    add_models,
    add_models_folder,
    add_running_server,
    add_server,
    add_word,
    chosen_models,
    look_text,
    server,
    uploaded,
)

if TYPE_CHECKING:
    from collections.abc import Callable


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


def test_a_look_is_a_name_json_or_the_text_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "look"
    path.write_text('{"smooth": 0.5}')
    assert look_text("glamour") == "glamour"
    assert look_text('{"smile": -1}') == '{"smile": -1}'
    assert look_text(f"@{path}") == '{"smooth": 0.5}'


def test_a_wrong_look_is_refused_wherever_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "look"
    path.write_bytes(b'{"smooth": 7, "\xff": 1}')
    for look in ("pretty", '{"smooth": 7}', f"@{path}"):
        with pytest.raises(Rejected):
            look_text(look)
    with pytest.raises(FileNotFoundError):
        look_text(f"@{tmp_path / 'missing'}")


class Uploads:
    """A client that knows what was uploaded."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def upload_asset(self, path: Path) -> dict[str, str]:
        self.files.append(path.name)
        return {"id": "ab" * 16}


def test_files_that_a_look_names_are_uploaded_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "tiger.png").write_bytes(b"stripes")
    (tmp_path / "look.json").write_text('{"smooth": 0.5, "texture": {"asset": "./tiger.png"}}')
    client, look = Uploads(), f"@{tmp_path / 'look.json'}"
    assert json.loads(uploaded(look, client)) == {"smooth": 0.5, "texture": {"asset": "ab" * 16}}
    assert client.files == ["tiger.png"]
    assert "./tiger.png" in look_text(look)


@pytest.mark.parametrize("look", ["glamour", '{"smooth": 0.5}'])
def test_a_look_without_files_is_sent_as_it_is(look: str) -> None:
    client = Uploads()
    assert uploaded(look, client) == look
    assert not client.files


def test_a_file_that_is_not_there_is_named_before_anything_is_uploaded() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        look_text('{"texture": {"asset": "./nowhere.png"}}')


@pytest.mark.parametrize(
    "look", ['{"texture": {"asset": "paint.png"}}', '{"stickers": [{"asset": "paint.png", "at": "nose"}]}']
)
def test_who_names_a_file_like_an_asset_is_told_how_files_are_named(look: str) -> None:
    with pytest.raises(Rejected, match=r"must be an asset's id .* If paint\.png is a file, write \./ before it\.$"):
        look_text(look)


def test_of_another_mistake_nothing_is_said_of_files() -> None:
    with pytest.raises(Rejected) as refused:
        look_text('{"smooth": 7, "texture": {"asset": "0f343b0931126a20f133d67c2b018a3b"}}')
    assert "file" not in refused.value.detail


def test_without_a_look_it_is_the_default() -> None:
    parser = argparse.ArgumentParser()
    add_look(parser)
    assert parser.parse_args([]).look == "default"


def test_models_are_asked_for_by_the_column_of_the_list_that_has_their_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["process", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("`asked for as`") == 2
    assert "`keypoints`: those of a detector that gives five" in said


def test_the_folder_of_effects_is_the_options_or_else_the_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISAVIS_EFFECTS", "mine")
    parser = argparse.ArgumentParser()
    add_effects_folder(parser)
    assert parser.parse_args([]).effects == Path("mine")
    assert parser.parse_args(["--effects", str(tmp_path)]).effects == tmp_path


def test_a_folder_of_effects_that_is_not_there_is_a_wrong_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["up", "--effects", "nosuch"])
    said = capsys.readouterr().err
    assert "argument --effects: there is no folder nosuch" in said
    assert "VISAVIS_EFFECTS" not in said


@pytest.mark.parametrize("command", ["process", "live"])
def test_effects_named_for_a_service_that_has_its_own_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    words = [command, str(tmp_path / "in"), str(tmp_path / "out.mp4"), "--server", "http://127.0.0.1:9"]
    assert main([*words, "--effects", str(tmp_path)]) == 1
    assert "leave out --effects" in capsys.readouterr().err
    monkeypatch.setenv("VISAVIS_EFFECTS", str(tmp_path))
    assert main(words) == 1
    assert "--effects" not in capsys.readouterr().err


def test_a_word_of_a_command_runs_what_it_is_for() -> None:
    parser = argparse.ArgumentParser()
    add_word(parser.add_subparsers(), "show", lambda options: len(options.id), "say it").add_argument("id")
    options = parser.parse_args(["show", "abc"])
    assert options.run(options) == 3


@pytest.mark.parametrize("add", [add_server, add_running_server])
def test_a_key_comes_from_the_option_or_else_the_variable_and_is_never_in_the_help(
    add: Callable[[argparse.ArgumentParser], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_KEY", "vv_of_the_variable")
    parser = argparse.ArgumentParser()
    add(parser)
    assert parser.parse_args([]).key == "vv_of_the_variable"
    assert parser.parse_args(["--key", "vv_of_the_option"]).key == "vv_of_the_option"
    assert "vv_of_the_variable" not in parser.format_help()
