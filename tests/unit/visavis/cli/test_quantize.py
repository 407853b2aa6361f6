"""`visavis models quantize` on a real clip."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest

from services.detect.models import store
from tests.models import prepared_models
from visavis.cli import quantize

NAME = "blazeface-short-range"
CLIP = Path(__file__).parents[4].parent / "shared" / "media" / "two_heads.mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Models that a test may add to."""
    if not CLIP.exists():
        pytest.skip(f"The clip {CLIP} is not on this machine.")
    return shutil.copytree(prepared_models(), tmp_path / "models")


def run(folder: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    quantize.add_to(parser.add_subparsers())
    options = parser.parse_args(["quantize", NAME, "--clips", str(CLIP), "--models", str(folder), *words])
    return int(options.run(options))


def test_a_good_model_is_installed_beside_the_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--max-slower", "1000", "--max-off", "1") == 0
    assert store.verify(folder).entry(f"{NAME}-int8").precision == "int8"
    assert f"{NAME}-int8 is installed beside {NAME}" in capsys.readouterr().out


def test_a_slower_model_is_refused_with_both_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = store.read(folder)
    assert run(folder, "--max-slower", "0.001", "--max-off", "1") == 1
    assert store.verify(folder) == before
    said = capsys.readouterr().out
    assert "is not installed. It takes" in said
    assert "faces found" in said


@pytest.mark.parametrize("bound", ["nan", "-1"])
def test_a_bound_that_bounds_nothing_is_refused(tmp_path: Path, bound: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, f"--max-slower={bound}")
    assert "is no bound" in capsys.readouterr().err


def test_fp16_is_measured_where_it_will_run(folder: Path) -> None:
    with pytest.raises(Exception, match="provider cuda"):
        run(folder, "--to", "fp16")
