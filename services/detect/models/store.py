"""The folder of models: its registry, and whether the files are what the registry says."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from services.detect.models.registry import CONVERTER_REVISION, MODELS, ModelEntry
from shared.model.errors import Misconfigured, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REGISTRY_FILE = "registry.json"
MANIFEST_FILE = "manifest.json"
"""What earlier versions kept instead of the registry; removed when models are prepared."""
LICENCE_FILE = "LICENSE.mediapipe"
_REMEDY = "run `visavis models prepare`"
_DEFAULTS = frozenset(model.name for model in MODELS)


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the folder."""

    revision: int
    """Of the converters that wrote the models."""
    notices: dict[str, str] = {}
    """SHA-256, hexadecimal, of each licence text by its file name."""
    models: tuple[ModelEntry, ...]

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of every file by its name."""
        prepared = {entry.file: entry.sha256 for entry in self.models}
        published = {entry.published_file: entry.published_sha256 for entry in self.models if entry.published_file}
        return {**self.notices, **published, **prepared}

    def entry(self, name: str) -> ModelEntry:
        """The line of a name. Raises Rejected (`unknown-model`) with the names there are."""
        for entry in self.models:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.models)
        raise Rejected("unknown-model", f"There is no model {name[:64]!r}; there are: {known}.")

    def with_entry(self, entry: ModelEntry) -> Registry:
        """The same with a line added, or replaced where the name is known."""
        others = tuple(one for one in self.models if one.name != entry.name)
        return msgspec.structs.replace(self, models=(*others, entry))


def read(folder: Path) -> Registry:
    """The registry of `folder`. Whether the files are what it says is told by `verify`, or when they are opened.

    Raises Misconfigured, with what to do, if there is none or it is of another version.
    """
    registry = _read(folder)
    if registry.revision != CONVERTER_REVISION or not {entry.name for entry in registry.models} >= _DEFAULTS:
        raise Misconfigured(f"The models in {folder} were prepared by another version of Visavis: {_REMEDY}.")
    return registry


def verify(folder: Path) -> Registry:
    """The registry of `folder`, if every file is there and has its hash.

    Raises Misconfigured, with what to do, if not.
    """
    registry = read(folder)
    for name, sha256 in sorted(registry.files.items()):
        if not (folder / name).is_file():
            raise Misconfigured(f"The file {name} is missing in {folder}: {_REMEDY}.")
        if sha256_of((folder / name).read_bytes()) != sha256:
            raise Misconfigured(f"The file {name} in {folder} is not the one that was prepared: {_REMEDY}.")
    return registry


def former(folder: Path) -> tuple[ModelEntry, ...]:
    """The lines of models that are no defaults, of whatever version the registry is; none if it cannot be read."""
    try:
        return tuple(entry for entry in _read(folder).models if entry.name not in _DEFAULTS)
    except Misconfigured:
        return ()


def write(folder: Path, registry: Registry, contents: Mapping[str, bytes]) -> None:
    """Put files and then the registry into `folder`, each one whole or not at all.

    Raises Misconfigured if the folder cannot be written.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _replace(folder / name, content)
        _replace(folder / REGISTRY_FILE, msgspec.json.format(msgspec.json.encode(registry)))
        (folder / MANIFEST_FILE).unlink(missing_ok=True)


def install(folder: Path, entry: ModelEntry, contents: Mapping[str, bytes]) -> None:
    """Add a model to a prepared folder, or replace the one of its name; contents: its files by their names.

    Raises Misconfigured if the folder is not prepared, or cannot be written.
    """
    with _alone(folder):
        write(folder, read(folder).with_entry(entry), contents)


def uninstall(folder: Path, name: str) -> None:
    """Take a model and its files out of a prepared folder.

    Raises Rejected (`unknown-model`) if there is none of that name, or if it is a default one.
    """
    with _alone(folder):
        _uninstall(folder, name)


def sha256_of(content: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _uninstall(folder: Path, name: str) -> None:
    registry = _read(folder)  # of whatever version: a model that a new version cannot take must be removable
    entry = registry.entry(name)
    if name in _DEFAULTS:
        raise Rejected("unknown-model", f"{name} is a default model, which every deployment has; it cannot be removed.")
    left = msgspec.structs.replace(registry, models=tuple(one for one in registry.models if one is not entry))
    write(folder, left, {})
    with _writing(folder):
        for file in {entry.file, entry.published_file} - left.files.keys() - {""}:
            (folder / file).unlink(missing_ok=True)


def _read(folder: Path) -> Registry:
    try:
        return msgspec.json.decode((folder / REGISTRY_FILE).read_bytes(), type=Registry)
    except FileNotFoundError as error:
        raise Misconfigured(f"There are no models of this version in {folder} yet: {_REMEDY}.") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured(f"The registry of the models in {folder} cannot be read: {_REMEDY}.") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the registry from its reading to its writing; the kernel lets go when the process dies."""
    _read(folder)  # it says best what is wrong with a folder that is none
    with _writing(folder):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _writing(folder):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(
            f"The models cannot be written to {folder} ({error.strerror}); name another folder by VISAVIS_MODELS."
        ) from error


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
