"""Fills the marked places of docs/looks.md from the definition of looks."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.model.catalogue import Parameter, catalogue
from shared.model.looks import DRAWING_ORDER, EFFECTS, ROLES
from shared.model.needs import NEEDS, layouts_of
from shared.model.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "looks.md"


def written(page: str) -> str:
    """The page with what stands between its marks (`<!-- effects -->`, `<!-- /effects -->`) made anew."""
    blocks = {"effects": _effects(), "parameters": _parameters(), "order": _order(), "presets": _presets()}
    for mark, lines in blocks.items():
        place = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
        block = "\n".join(lines).strip()
        page, found = place.subn(lambda marks, block=block: f"{marks[1]}\n{block}\n\n{marks[2]}", page)
        if found != 1:
            raise SystemExit(f"docs/looks.md has {found} places marked `{mark}`; it should have one.")
    return page


def _effects() -> Iterator[str]:
    yield "| effect | takes | does | faces of |"
    yield "|---|---|---|---|"
    for one in catalogue():
        if one.name in ROLES:
            yield f"| **{ROLES[one.name]}** | | | |"
        takes = f"[{'list' if one.kind == 'array' else 'object'}](#{one.name})" if one.parts else _range(one)
        points = ", ".join(str(int(layout)) for layout in layouts_of(one.name)) if one.name in NEEDS else ""
        yield f"| `{one.name}` | {takes} | {one.sentence} | {points} |"


def _parameters() -> Iterator[str]:
    for one in (one for one in catalogue() if one.parts):
        yield f"### {one.name}\n"
        yield f"{one.title_sentence}\n"
        yield "| parameter | takes | default | |"
        yield "|---|---|---|---|"
        for part in one.parts:
            default = (
                "must be there" if part.is_required else "" if part.default is None else f"`{_json(part.default)}`"
            )
            yield f"| `{part.name}` | {_range(part)} | {default} | {part.sentence} |"
        yield ""


def _range(one: Parameter) -> str:
    return one.takes.removeprefix("a number ").removeprefix("one of: ").replace("text such as", "e.g.")


def _order() -> Iterator[str]:
    roles: dict[str, str] = {}
    for name in EFFECTS:
        roles[name] = ROLES.get(name) or [*roles.values()][-1]
    for number, (role, names) in enumerate(groupby(DRAWING_ORDER, roles.__getitem__), 1):
        yield f"{number}. {role}: {', '.join(f'`{name}`' for name in names)}"


def _presets() -> Iterator[str]:
    for name, look in PRESETS.items():
        yield f"**{name}**\n\n```json\n{_json(look.document())}\n```\n"


def _json(value: Any) -> str:
    return json.dumps(value)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
