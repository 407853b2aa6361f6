"""Finds effects of others: entry points of installed packages, and the files of a folder."""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import entry_points
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from services.render.own.effects import OwnEffect, OwnEffects
from services.render.own.offering import offer_of
from services.render.own.performing import where_and_what
from services.render.own.rehearsal import rehearse
from shared.model.errors import Misconfigured
from visavis.effects import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROUP: Final = "visavis.effects"
"""Of entry points."""


def load(folder: Path | None = None) -> OwnEffects:
    """All effects of others, checked and tried.

    folder: every file `*.py` in it is loaded, but for those whose names begin with `_`; None: there is none.
    Raises Misconfigured with the name of the first that is wrong, and what to do.
    """
    found: dict[str, OwnEffect] = {}
    for effect, source in _found(folder):
        own = _accepted(effect, source)
        if (other := found.get(effect.name)) is not None:
            raise Misconfigured(
                f"The effect {effect.name} is there twice, from {other.source} and from {source}: rename or remove one."
            )
        found[effect.name] = own
    return OwnEffects(MappingProxyType(found))


def _found(folder: Path | None) -> Iterator[tuple[Effect, str]]:
    """Effects and where each came from; packages first, in the order of their names."""
    for point in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        source = f"the package {point.dist.name}" if point.dist is not None else f"the entry point {point.value}"
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:  # others' code raises what it likes
            raise Misconfigured(
                f"{_began(source)} cannot be loaded as {point.value}: {where_and_what(error)}."
            ) from error
        yield from _effects_of(loaded, source)
    if folder is None:
        return
    if not folder.is_dir():
        raise Misconfigured(f"VISAVIS_EFFECTS: there is no folder {folder}.")
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("_"):
            yield from _effects_of(_module(path), str(path))


def _module(path: Path) -> ModuleType:
    """A file, run. It is nobody's module: no other may import it."""
    name = f"visavis_own_effects.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misconfigured(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # others' code raises what it likes
        del sys.modules[name]
        raise Misconfigured(
            f"{path} cannot be loaded: {where_and_what(error, str(path))}. Mend it, or take it out of the folder."
        ) from error
    return module


def _effects_of(loaded: Any, source: str) -> list[tuple[Effect, str]]:
    """Those of a module, in its order, each once; or the one that an entry point names."""
    values = vars(loaded).values() if isinstance(loaded, ModuleType) else (loaded,)
    effects = {id(one): one for one in values if isinstance(one, Effect)}
    if not effects:
        raise Misconfigured(
            f"{_began(source)} has no effect in it: write @effect(...) of visavis.effects above a function, "
            "as docs/own-effects.md shows."
        )
    return [(one, source) for one in effects.values()]


def _accepted(effect: Effect, source: str) -> OwnEffect:
    try:
        own = OwnEffect(effect, offer_of(effect), source)
        rehearse(own)
    except Misconfigured as error:
        raise Misconfigured(f"The effect {effect.name} of {source} is refused: {str(error).rstrip('.')}.") from error
    return own


def _began(source: str) -> str:
    return source[:1].upper() + source[1:] if source.startswith("the ") else source
