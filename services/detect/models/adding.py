"""Adds a model of the user's own to a prepared folder: checked, composed with its decoding, written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from services.detect.models import store
from services.detect.models.families.dlib68 import check_predictor
from services.detect.models.registry import FAMILIES, MODELS, Family, ModelEntry, stem
from services.detect.models.rehearsing import rehearse
from shared.model.errors import Misconfigured, Rejected
from shared.model.offers import KEYPOINTS, Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 64 - len("-int8")
"""Requests name models by 64 characters at most, quantised copies too."""
_LARGEST_BYTES = 1 << 30
"""HRNet has some 40 MB, dlib's predictor 100."""
_SIDES_PX = range(32, 4097)


class Wish(NamedTuple):
    """What the user says of a model."""

    family: str
    name: str = ""
    """Hyphenated words; empty: made from the file's name."""
    licence: str = ""
    source: str = ""
    sizes_px: Sequence[int] = ()
    """Of a detector: longer sides of the pictures that it is shown; empty: the family's own."""


def add(folder: Path, file: Path, wish: Wish) -> ModelEntry:
    """Put the published `file` into the prepared `folder`; returns its line in the registry.

    Raises Rejected if the wish cannot be met, and Misconfigured if the model is to be refused or `folder` is not
    prepared.
    """
    store.read(folder)
    family, name = _family(wish.family), _name(wish.name or _name_of(file))
    content = _content(file)
    published = f"{stem(name)}.published{file.suffix}"
    entry = ModelEntry(
        name=name,
        family=family,
        role=FAMILIES[family].role,
        source=wish.source or f"the file {file.name}",
        licence=wish.licence or "not said",
        published_file=published,
        published_sha256=store.sha256_of(content),
        file=f"{stem(name)}.onnx",
        sha256="",
        sizes_px=_sizes(family, wish.sizes_px),
        multiple_px=FAMILIES[family].multiple_px,
        points=FAMILIES[family].points,
    )
    entry, prepared = compose(entry, content)
    if family is not Family.DLIB68:  # dlib has run it already
        rehearse(entry, prepared)
    store.install(folder, entry, {published: content, entry.file: prepared})
    return entry


def compose(entry: ModelEntry, content: bytes) -> tuple[ModelEntry, bytes]:
    """The finished line and the prepared file of the model whose published file is `content`.

    Raises Misconfigured if the model is to be refused.
    """
    if entry.family is Family.DLIB68:  # dlib reads its own file, which is kept once
        check_predictor(content, entry.name)
        composed, prepared = msgspec.structs.replace(entry, file=entry.published_file), content
    else:
        from services.detect.models.convert import convert_added  # noqa: PLC0415  -- onnx is heavy, and rarely needed

        prepared, points, size_px = convert_added(entry.family, entry.name, content)
        sizes_px = (size_px,) if entry.role is Role.LANDMARKS else entry.sizes_px
        composed = msgspec.structs.replace(entry, points=points, sizes_px=sizes_px)
    return msgspec.structs.replace(composed, sha256=store.sha256_of(prepared)), prepared


def rebuilt(folder: Path, entry: ModelEntry) -> tuple[ModelEntry, dict[str, bytes]]:
    """The line of a model that was added earlier and its files, made anew from the published file that was kept.

    A quantised copy has none: it stays as it is. Raises Misconfigured, with what to do, if a file is not as it was.
    """
    kept, sha256 = (
        (entry.published_file, entry.published_sha256) if entry.published_file else (entry.file, entry.sha256)
    )
    content = (folder / kept).read_bytes() if (folder / kept).is_file() else b""
    if store.sha256_of(content) != sha256:
        raise Misconfigured(
            f"The file {kept} in {folder} is not as it was: add the model again, or run "
            f"`visavis models remove {entry.name}`."
        )
    if not entry.published_file:
        return entry, {kept: content}
    composed, prepared = compose(entry, content)
    return composed, {kept: content, composed.file: prepared}


def _content(file: Path) -> bytes:
    """Raises Misconfigured for what is no file: a pipe has no end."""
    if file.exists() and not file.is_file():
        raise Misconfigured(f"{file} is no file; name the model's file as it was published.")
    if file.stat().st_size > _LARGEST_BYTES:
        raise Misconfigured(f"{file} has more than {_LARGEST_BYTES >> 20} MiB: it is no model of these families.")
    return file.read_bytes()


def _family(word: str) -> Family:
    try:
        return Family(word)
    except ValueError as error:
        known = ", ".join(Family)
        raise Rejected("unknown-family", f"There is no family {word[:40]!r}; there are: {known}.") from error


def _name_of(file: Path) -> str:
    return "-".join(re.findall("[a-z0-9]+", file.stem.lower()))


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise Rejected(
            "invalid-name",
            f"{name[:80]!r} is no name: give words of a-z and 0-9 joined by hyphens, "
            f"at most {_LONGEST_NAME} characters.",
        )
    if name in {word for model in MODELS for word in (model.name, model.part_of)}:
        raise Rejected("invalid-name", f"{name} is the name of a default model; give another one with --name.")
    if name == KEYPOINTS:
        raise Rejected("invalid-name", f"{name} means the detector's own points; give another one with --name.")
    return name


def _sizes(family: Family, wished: Sequence[int]) -> tuple[int, ...]:
    facts = FAMILIES[family]
    if not wished:
        return facts.sizes_px
    if facts.role is not Role.DETECTOR:
        raise Rejected("invalid-size", f"The size of a {family} model is told by its file; give no other.")
    if any(size not in _SIDES_PX or size % facts.multiple_px for size in wished):
        step, most = facts.multiple_px, _SIDES_PX[-1]
        raise Rejected(
            "invalid-size", f"A {family} model takes sizes that are multiples of {step}, up to {most} pixels."
        )
    return tuple(wished)
