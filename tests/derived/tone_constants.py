"""Writes services/render/cuda/constants.cuh: what the kernels of tones share with Python, where it stands."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.render import canvas, effects, masks, skin, uv
from services.render.cuda.draping import MOST_TRIANGLES
from services.render.cuda.places import EFFECTS, PARTS
from services.render.cuda.records import BARE_POINTS, JOB, KEPT, MOST_POINTS
from services.render.effects.overlay import texture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

HEADER = Path(__file__).parents[2] / "services" / "render" / "cuda" / "constants.cuh"
_TYPES = {np.uint64: "uint8 *", np.int64: "long long ", np.int32: "int ", np.float32: "float "}


def written() -> str:
    """The whole header."""
    modules = [canvas, masks, skin, texture, uv, *(import_module(_function(name).__module__) for name in EFFECTS)]
    lines = [
        "// Written by `python -m tests.derived.tone_constants`; what it says stands in Python.",
        "#pragma once",
        '#include "card.cuh"',
        "",
        *(line for module in modules for line in _constants(module)),
        f"#define BARE_POINTS {BARE_POINTS}",
        f"#define MOST_POINTS {MOST_POINTS}",
        f"#define MOST_TRIANGLES {MOST_TRIANGLES}",
        "",
        *_numbers("Effect", "EFFECT_", EFFECTS),
        *_numbers("Part", "PART_", PARTS),
        *_numbers("Kept", "", KEPT),
        *_struct(),
    ]
    return "\n".join(lines) + "\n"


def _function(effect: str) -> object:
    return next(table[effect] for table in _TABLES if effect in table)


_TABLES = (effects.FACE_EFFECTS, effects.EYE_EFFECTS, effects.MOUTH_EFFECTS)


def _constants(module: ModuleType) -> Iterator[str]:
    prefix = module.__name__.rpartition(".")[2].upper()
    for name, value in vars(module).items():
        if not name.isupper() or name.startswith("_") or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            yield f"#define {prefix}_{name} {float(value)}f"
        elif isinstance(value, tuple) and all(isinstance(one, int | float) for one in value):
            yield from (f"#define {prefix}_{name}_{at} {float(one)}f" for at, one in enumerate(value))


def _numbers(kind: str, prefix: str, names: tuple[str, ...]) -> Iterator[str]:
    words = [prefix + name.upper().replace("-", "_") for name in names]
    yield f"enum {kind} {{"
    yield from (f"    {word}," for word in words)
    yield "};"
    yield ""


def _struct() -> Iterator[str]:
    yield "struct Job {"
    for name in JOB.names or ():
        kind = JOB[name]
        length = f"[{kind.shape[0]}]" if kind.shape else ""
        yield f"    {_TYPES[kind.base.type]}{name}{length};"
    yield "};"


if __name__ == "__main__":
    HEADER.write_text(written())
