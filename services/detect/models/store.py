"""The folder of prepared models: its manifest, and whether the files are what the manifest says."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from services.detect.models.registry import CONVERTER_REVISION, MODELS
from shared.model.errors import Misconfigured

MANIFEST_FILE = "manifest.json"
LICENCE_FILE = "LICENSE.mediapipe"
_REMEDY = "run `visavis models prepare`"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the folder and where it came from."""

    revision: int
    """Of the converter that wrote the models."""
    source: str
    """The wheel they were taken from."""
    files: dict[str, str]
    """SHA-256, hexadecimal, of each file by its name, the licence among them."""


def verify(folder: Path) -> Manifest:
    """The manifest of `folder`, if every file is there and has its hash.

    Raises Misconfigured, with what to do, if not.
    """
    manifest = _manifest(folder)
    wanted = {LICENCE_FILE, *(name for model in MODELS for name in (model.file_name, model.published_name))}
    if manifest.revision != CONVERTER_REVISION or not wanted <= manifest.files.keys():
        raise Misconfigured(f"The models in {folder} were prepared by another version of Visavis: {_REMEDY}.")
    for name in sorted(wanted):
        if not (folder / name).is_file():
            raise Misconfigured(f"The file {name} is missing in {folder}: {_REMEDY}.")
        if sha256_of((folder / name).read_bytes()) != manifest.files[name]:
            raise Misconfigured(f"The file {name} in {folder} is not the one that was prepared: {_REMEDY}.")
    return manifest


def write(folder: Path, source: str, contents: dict[str, bytes]) -> None:
    """Put files and then the manifest into `folder`, each one whole or not at all.

    Raises Misconfigured if the folder cannot be written.
    """
    hashes = {name: sha256_of(content) for name, content in contents.items()}
    manifest = Manifest(revision=CONVERTER_REVISION, source=source, files=hashes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _replace(folder / name, content)
        _replace(folder / MANIFEST_FILE, msgspec.json.format(msgspec.json.encode(manifest)))
    except OSError as error:
        raise Misconfigured(
            f"The models cannot be written to {folder} ({error.strerror}); name another folder by VISAVIS_MODELS."
        ) from error


def sha256_of(content: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _manifest(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / MANIFEST_FILE).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise Misconfigured(f"There are no models in {folder} yet: {_REMEDY}.") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"The manifest of the models in {folder} cannot be read: {_REMEDY}.") from error


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as scratch:
        try:
            scratch.write(content)
            scratch.flush()
            os.fsync(scratch.fileno())
            Path(scratch.name).chmod(0o644)
            Path(scratch.name).replace(path)
        except BaseException:
            Path(scratch.name).unlink(missing_ok=True)
            raise
