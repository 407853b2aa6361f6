"""Fills the marked place of docs/settings.md from the settings classes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import SecretStr

from visavis.cli import variables
from visavis.cli.variables import variables_of
from visavis.serverless.settings import HttpSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
LANE = ("ingest", "detect", "render")
READERS: dict[str, type[BaseSettings]] = {**variables.READERS, "function": HttpSettings}
"""Every settings class that ships, by who reads it."""
HEADINGS = {
    "services": "Of every service", "lane": "Of every service of a lane", "ingest": "Of ingest", "detect": "Of detect",
    "render": "Of render", "gateway": "Of the gateway", "command line": "Of the command line alone",
    "function": "Of the function alone",
}  # fmt: skip
_CHOICE = re.compile(r"\^\(([a-z|]+)\)\$")


class Setting(NamedTuple):
    """One setting, or one of several of a name."""

    variables: tuple[str, ...]
    takes: str
    default: str


def written(page: str) -> str:
    """The page with what stands between its marks (`<!-- settings -->`, `<!-- /settings -->`) made anew."""
    place = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)
    block = "\n".join(_tables()).strip()
    page, found = place.subn(lambda marks: f"{marks[1]}\n{block}\n\n{marks[2]}", page)
    if found != 1:
        raise SystemExit(f"docs/settings.md has {found} places marked `settings`; it should have one.")
    return page


def _tables() -> Iterator[str]:
    read_by, sentences = _found()
    for part, heading in HEADINGS.items():
        yield f"## {heading}\n"
        yield "| variable | takes | default | read by | |"
        yield "|---|---|---|---|---|"
        for setting, readers in read_by.items():
            if _part(readers) == part:
                variables = ", else ".join(f"`{name}`" for name in setting.variables)
                said = _cell(sentences[setting])
                yield f"| {variables} | {setting.takes} | {setting.default} | {', '.join(readers)} | {said} |"
        yield ""


def _found() -> tuple[dict[Setting, list[str]], dict[Setting, str]]:
    read_by: dict[Setting, list[str]] = {}
    sentences: dict[Setting, str] = {}
    for reader, kind in READERS.items():
        for name, field in kind.model_fields.items():
            unit = "bytes" if name.endswith("bytes") else ""
            setting = Setting(variables_of(kind, name, field), _takes(field, unit), _default(field, unit))
            read_by.setdefault(setting, []).append(reader)
            sentences.setdefault(setting, field.description or "")
    return read_by, sentences


def _part(readers: list[str]) -> str:
    if {*LANE, "gateway"} <= set(readers):
        return "services"
    return "lane" if set(LANE) <= set(readers) else readers[0]


def _takes(field: FieldInfo, unit: str) -> str:
    kind = field.annotation
    if get_origin(kind) is Literal:
        return _one_of(get_args(kind))
    if kind is bool:
        return _one_of(("true", "false"))
    if kind in (int, float):
        ends = (_number(_bound(field, end), unit) for end in ("ge", "le"))
        return " to ".join(ends) + (", whole" if kind is int else "")
    pattern = _bound(field, "pattern")
    if pattern is not None and (choice := _CHOICE.fullmatch(pattern)):
        return _one_of(choice[1].split("|"))
    what = "a path" if Path in (kind, *get_args(kind)) else "text, kept secret" if kind is SecretStr else "text"
    return what if pattern is None else f"{what} of the form `{_cell(pattern)}`"


def _bound(field: FieldInfo, name: str) -> Any:
    return next((found for one in field.metadata if (found := getattr(one, name, None)) is not None), None)


def _default(field: FieldInfo, unit: str) -> str:
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if value in (None, ""):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return _number(value, unit) if isinstance(value, int | float) else f"`{value}`"


def _one_of(words: Any) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _number(value: float | None, unit: str) -> str:
    """Bytes also by a larger unit where that is exact."""
    if value is None:
        return "any"
    plain = f"{value:g}" if isinstance(value, float) else str(value)
    for size, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if unit == "bytes" and value >= size and value % size == 0:
            return f"{plain} ({value // size} {name})"
    return plain


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", r"\<")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
