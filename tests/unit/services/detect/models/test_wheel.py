"""Taking files out of a wheel that pip finds."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import pytest

from services.detect.models import wheel
from shared.model.errors import Misconfigured

NAME = "mediapipe-0.10.21"
MEMBER = "mediapipe/model.tflite"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def put_wheel(index: Path, tags: str) -> None:
    with zipfile.ZipFile(index / f"{NAME}-{tags}.whl", "w") as archive:
        archive.writestr(MEMBER, b"weights")
        archive.writestr(f"{NAME}.dist-info/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
        archive.writestr(f"{NAME}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{NAME}.dist-info/RECORD", "")


@pytest.mark.parametrize("tags", ["cp311-cp311-win_amd64", "cp312-cp312-manylinux_2_28_x86_64"])
def test_a_wheel_for_any_platform_will_do(index: Path, scratch: Path, tags: str) -> None:
    put_wheel(index, tags)
    assert wheel.fetch([MEMBER]) == {MEMBER: b"weights"}
    assert not list(scratch.iterdir())


def test_an_index_without_the_wheel_is_an_error_with_a_remedy(index: Path, scratch: Path) -> None:
    with pytest.raises(Misconfigured, match=r"pip could not download mediapipe==0\.10\.21 .*check the network"):
        wheel.fetch([MEMBER])
    assert not list(scratch.iterdir())


def test_a_wheel_without_the_file_is_an_error(index: Path) -> None:
    put_wheel(index, "cp311-cp311-win_amd64")
    with pytest.raises(Misconfigured, match=r"other\.tflite"):
        wheel.fetch(["mediapipe/other.tflite"])


def test_a_damaged_wheel_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.whl").write_bytes(b"PK but no more")
    with pytest.raises(Misconfigured, match=r"broken\.whl is damaged"):
        wheel.read_members(tmp_path / "broken.whl", [MEMBER])


def test_an_altered_file_is_refused() -> None:
    with pytest.raises(Misconfigured, match="altered wheel"):
        wheel.check_hashes({MEMBER: b"weights"}, {MEMBER: "0" * 64})
