"""The container engine of this machine, where one runs (no test starts one), and the images to make others from."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
BASE_PACKAGES = ("python3", "python3-venv", "ca-certificates")
PEER_PACKAGES = ("redis-server", "prometheus")
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this machine trusts, and with it the package index that it is set up for."""
SHELLS = frozenset({"sh", "bash", "dash", "rbash"})


@cache
def program() -> str:
    """The first client of PATH that can build with BuildKit; from version 23 on it needs a plug-in for that."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    for folder in os.get_exec_path():
        path = shutil.which("docker", path=folder)
        asked = (path or "docker", "build", "--help")
        if path and not subprocess.run(asked, check=False, env=environment, capture_output=True).returncode:
            return path
    return ""


def docker(*words: str, given: IO[bytes] | None = None) -> subprocess.CompletedProcess[str]:
    """What a command of the engine came to; skips the test where there is no such program.

    given: what it reads.
    """
    if not program():
        pytest.skip("There is no container engine to build images: install docker (docker.io on Debian) and start it.")
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    return subprocess.run(
        (program(), *words), check=False, cwd=ROOT, env=environment, stdin=given or subprocess.DEVNULL,
        capture_output=True, text=True,
    )  # fmt: skip


def done(*words: str, given: IO[bytes] | None = None) -> str:
    """What a command that must go well has written."""
    came = docker(*words, given=given)
    assert came.returncode == 0, f"docker {' '.join(words)}: {(came.stdout + came.stderr)[-4000:]}"
    return came.stdout.strip()


def needs_engine() -> None:
    """Skip the test where no engine answers, or where what containers write would be nobody's to remove."""
    if os.geteuid():
        pytest.skip("Images are built and run by root.")
    if docker("version", "--format", "{{.Server.Version}}").returncode:
        pytest.skip("No container engine answers, so that no image can be built: start one.")


def named_base() -> str:
    """The image of VISAVIS_IMAGE_BASE, or an empty word; skips the test where it cannot be had."""
    name = os.environ.get("VISAVIS_IMAGE_BASE", "")
    if name and docker("image", "inspect", name).returncode and docker("pull", name).returncode:
        pytest.skip(f"There is no base image {name}: pull it, or name another one by VISAVIS_IMAGE_BASE.")
    return name


def make_base(name: str, folder: Path) -> None:
    """Make an image of this machine's own Debian from packages; skips the test where that cannot be done."""
    if shutil.which("debootstrap") is None:
        pytest.skip("VISAVIS_IMAGE_BASE names no image, and there is no debootstrap to make one: install it.")
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    words = "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}", suite, str(folder)
    made = subprocess.run(("debootstrap", *words), check=False, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"debootstrap could not make a base image: {made.stdout[-400:]}")
    shutil.rmtree(folder / "var/cache/apt")
    shutil.copy(TRUSTED, folder / TRUSTED.relative_to("/"))
    with tarfile.open(folder / "image.tar", "w") as archive:
        for path in sorted(set(folder.iterdir()) - {folder / "image.tar"}):
            archive.add(path, path.name)
    with (folder / "image.tar").open("rb") as file:
        done("import", "-", name, given=file)
    shutil.rmtree(folder)


def make_without_shell(name: str, base: str, file: Path) -> None:
    """The same image without any shell: what starts in it needs none."""
    container = done("create", base, "true")
    try:
        done("export", "-o", str(file), container)
    finally:
        docker("rm", container)
    bare = file.with_suffix(".bare")
    with tarfile.open(file) as source, tarfile.open(bare, "w") as target:
        for member in source:
            if Path(member.name).name not in SHELLS or Path(member.name).parent.name != "bin":
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    with bare.open("rb") as given:
        done("import", "-", name, given=given)
    for path in (file, bare):
        path.unlink()


def make_with_peers(name: str, base: str) -> None:
    """The same image with the servers of others that Debian has packages of."""
    packages = " ".join(PEER_PACKAGES)
    text = f"FROM {base}\nRUN apt-get update && apt-get install -y --no-install-recommends {packages}\n"
    came = subprocess.run(
        (program(), "build", "--network", "host", "-t", name, "-"), check=False, input=text, text=True,
        capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "1"},
    )  # fmt: skip
    assert came.returncode == 0, came.stderr[-2000:]


def build(name: str, dockerfile: str, target: str, arguments: Mapping[str, str]) -> None:
    """Build a target of a Dockerfile. Where PIP_INDEX_URL is set here it is passed on."""
    words = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    done(
        "build", "--network", "host", "-f", dockerfile, "--target", target, "-t", name,
        *words, "--build-arg", "PIP_INDEX_URL", ".",
    )  # fmt: skip
