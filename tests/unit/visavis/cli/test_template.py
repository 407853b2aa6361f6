"""`visavis looks template` writes a picture to paint on, or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import pytest

from visavis.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def test_the_template_is_written_as_png_with_alpha(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "face.png"
    assert main(["looks", "template", str(target), "--size", "256"]) == 0
    picture = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (256, 256, 4)
    assert str(target) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["face.jpg"], "name a file *.png"),
        (["face.png", "--size", "12"], "128 to 4096 pixels"),
        (["face.png", "--size", "5000"], "128 to 4096 pixels"),
        (["no/such/folder/face.png"], "No such file or directory"),
    ],
)
def test_what_cannot_be_written_is_said(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["looks", "template", *words]) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
