"""Looks that name files: the files are uploaded, and the look names their assets instead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.model.assets import is_asset_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FILE_KEYS = frozenset({"asset"})
"""Fields of a look's effects that refer to an asset."""
_MARKS = ("./", "../", "/", "@")


def with_uploads(look: Mapping[str, Any], upload: Callable[[Path], str], folder: Path) -> dict[str, Any]:
    """The look with ids in the place of files. A file is a text that begins with `./`, `../`, `/` or `@`.

    upload: uploads a file and answers the asset's id; it is called once a file. folder: where relative names begin,
    those after an `@` too. The look itself stays as it is.
    """
    return _Uploads(upload, folder).of_object(look)


def unmarked(look: Mapping[str, Any]) -> Iterator[str]:
    """Texts in the place of assets that are no ids, and that `with_uploads` takes for no files."""
    for key, value in look.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from unmarked(one)
            elif key in FILE_KEYS and isinstance(one, str) and not (one.startswith(_MARKS) or is_asset_id(one)):
                yield one


class _Uploads:
    def __init__(self, upload: Callable[[Path], str], folder: Path) -> None:
        self._upload, self._folder = upload, folder
        self._ids: dict[Path, str] = {}

    def of_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self._of(key, one) for key, one in value.items()}

    def _of(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self.of_object(value)
        if isinstance(value, list):
            return [self._of(key, one) for one in value]
        if key in FILE_KEYS and isinstance(value, str) and value.startswith(_MARKS):
            return self._id_of((self._folder / value.removeprefix("@")).resolve())
        return value

    def _id_of(self, path: Path) -> str:
        if path not in self._ids:
            self._ids[path] = self._upload(path)
        return self._ids[path]
