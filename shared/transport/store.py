"""The object store: a folder by default, S3, Google Cloud or Azure by URL. The one door to obstore."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.exceptions import NotFoundError as ObjectNotFoundError
from obstore.store import LocalStore, from_url

from shared.model.errors import Lost, Misconfigured, StorageFull, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator

PIECE_BYTES = 1 << 20
DOWNLOAD_TRIES = 3
"""So often an object is read anew because it was replaced meanwhile."""
REMOVE_TRIES = 10
"""So often removing begins anew because others remove the same."""
_NO_ROOM = ("os error 28", "os error 122")
"""ENOSPC and EDQUOT, as obstore words them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says of an object without reading it."""

    key: str
    size_bytes: int
    changed_unix_seconds: float
    """When it was written, by the store's own clock."""


class ObjectStore:
    """Objects by key. Every method raises Unavailable if the store does not answer, StorageFull if it has no room."""

    def __init__(self, store: obstore.store.ObjectStore, folder: Path | None = None) -> None:
        """folder: where the objects lie, if they are files of this machine."""
        self._store, self._folder = store, folder

    @classmethod
    def open(cls, url: str) -> Self:
        """`file:///folder` (made if missing), `s3://bucket/prefix`, `gs://...`, `az://...`."""
        try:
            parts = urlsplit(url)
        except ValueError as error:  # what stands there may be a password
            raise Misconfigured(f"There is no object store: its URL cannot be read ({error})") from error
        try:
            if parts.scheme == "file":
                folder = Path(unquote(parts.path))
                return cls(LocalStore(folder, mkdir=True, automatic_cleanup=True), folder)
            return cls(from_url(url))
        except (BaseError, ValueError) as error:
            host = parts.netloc.rpartition("@")[2]  # before it stands who asks, with a password
            why = _short(error).replace(parts.netloc, host) if host else _short(error)
            raise Misconfigured(f"There is no object store at {parts.scheme}://{host}: {why}") from error

    async def put(self, key: str, body: bytes | Path | AsyncIterable[bytes]) -> None:
        """Write an object as a whole, from memory, a file or pieces; readers see the old one or the new one."""
        try:
            await obstore.put_async(self._store, key, body)
        except BaseError as error:
            raise _not_taken(key, error) from error

    async def create(self, key: str, body: bytes) -> bool:
        """Write an object unless there is one of that name; False if there is."""
        try:
            await obstore.put_async(self._store, key, body, mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise _not_taken(key, error) from error
        return True

    async def get(self, key: str) -> bytes:
        """A small object as a whole. Raises Lost if there is none."""
        return (await self.get_tagged(key))[0]

    async def get_tagged(self, key: str) -> tuple[bytes, str]:
        """A small object as a whole, and the tag of what it is now. Raises Lost if there is none."""
        with _asked(key, "does not give"):
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async()), str(result.meta["e_tag"])

    async def replace(self, key: str, body: bytes, tag: str) -> bool:
        """Write an object if it still is what it was when it had that tag; False if it is not. Raises Unavailable."""
        try:
            if self._folder is not None:
                return await asyncio.to_thread(self._replace_file, self._folder, key, body, tag)
            await obstore.put_async(self._store, key, body, mode={"e_tag": tag})
        except (PreconditionError, ObjectNotFoundError, FileNotFoundError):
            return False
        except (BaseError, OSError) as error:
            raise _not_taken(key, error) from error
        return True

    def _replace_file(self, folder: Path, key: str, body: bytes, tag: str) -> bool:
        """A folder knows no condition: all who replace hold the folder's lock meanwhile, in whichever process."""
        held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            if obstore.head(self._store, key)["e_tag"] != tag:
                return False
            obstore.put(self._store, key, body)
        finally:
            os.close(held)
        return True

    async def size(self, key: str) -> int:
        """Bytes of an object. Raises Lost if there is none."""
        with _asked(key, "does not answer for"):
            return int((await obstore.head_async(self._store, key))["size"])

    async def exists(self, key: str) -> bool:
        """Whether there is an object of that name."""
        try:
            await self.size(key)
        except Lost:
            return False
        return True

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes [start, end) of an object, piece by piece."""
        while start < end:
            stop = min(end, start + PIECE_BYTES)
            with _asked(key, "does not give"):
                piece = await obstore.get_range_async(self._store, key, start=start, end=stop)
            yield bytes(piece)
            start = stop

    async def download(self, key: str, target: Path) -> None:
        """Copy an object, as it was at one time, into a file.

        Raises Lost if there is none, Unavailable where the file cannot be written or the object changes all the time.
        """
        for _ in range(DOWNLOAD_TRIES):
            tag, size = await self.tag(key), await self.size(key)
            try:
                with target.open("wb") as file:
                    async for piece in self.read(key, 0, size):
                        await asyncio.to_thread(file.write, piece)
            except OSError as error:
                raise Unavailable(f"{key} cannot be copied to {target.parent}: {error.strerror or error}") from error
            if await self.tag(key) == tag:
                return
        raise Unavailable(f"The object {key} was replaced each time that it was read.")

    async def tag(self, key: str) -> str:
        """What tells the object from any other that had its name. Raises Lost if there is none."""
        with _asked(key, "does not answer for"):
            return str((await obstore.head_async(self._store, key))["e_tag"])

    async def remove(self, key: str) -> int:
        """Remove the object of that name and every object under it; answers how many there were."""
        removed = 0
        for _ in range(REMOVE_TRIES):
            try:
                keys = [one.key async for one in self.listed(key)]
                with suppress(ObjectNotFoundError, FileNotFoundError):
                    keys.append((await obstore.head_async(self._store, key))["path"])
                if keys:
                    await obstore.delete_async(self._store, keys)
            except (ObjectNotFoundError, FileNotFoundError):
                continue  # somebody else has removed one of them: what is there now?
            except BaseError as error:
                raise Unavailable(f"The object store did not remove {key}: {_short(error)}") from error
            removed += len(keys)
            break
        else:
            raise Unavailable(f"The object store did not remove {key}: others remove it again and again.")
        return removed

    async def names(self, folder: str) -> list[str]:
        """The keys of all objects in a folder and under it, in order."""
        return sorted([one.key async for one in self.listed(folder)])

    async def listed(self, prefix: str) -> AsyncIterator[Stored]:
        """Every object under a prefix of whole words (`jobs`, `jobs/<job>`), in no order that can be relied on."""
        try:
            async for batch in obstore.list(self._store, prefix):
                for one in batch:
                    yield Stored(one["path"], one["size"], one["last_modified"].timestamp())
        except (ObjectNotFoundError, FileNotFoundError):
            return  # a folder that went away meanwhile
        except BaseError as error:
            raise Unavailable(f"The object store did not list {prefix}: {_short(error)}") from error

    async def tidy(self, before_unix_seconds: float) -> int:
        """Remove what writers that were killed have left in a folder before then, and empty folders; how many files.

        Such files are no objects, and nothing else shows them. Of a bucket its own rules remove unfinished uploads.
        """
        return 0 if self._folder is None else await asyncio.to_thread(_tidied, self._folder, before_unix_seconds)


def _tidied(folder: Path, before: float) -> int:
    """obstore writes `<name>#<number>` beside an object and renames it when it is whole."""
    removed = 0
    for where, _, names in os.walk(folder, topdown=False):
        for name in names:
            _, mark, number = name.rpartition("#")
            path = Path(where, name)
            with suppress(OSError):  # somebody else was quicker
                if mark and number.isdecimal() and path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        with suppress(OSError):  # it is not empty
            if Path(where) != folder and Path(where).stat().st_mtime < before:
                Path(where).rmdir()
    return removed


def _not_taken(key: str, error: BaseError | OSError) -> Unavailable:
    if any(sign in str(error) for sign in _NO_ROOM):
        return StorageFull(f"The object store has no room for {key}.")
    return Unavailable(f"The object store did not take {key}: {_short(error)}")


@contextmanager
def _asked(key: str, does_not: str) -> Iterator[None]:
    """Turns the store's errors into Lost where there is no such object, else into Unavailable."""
    try:
        yield
    except (ObjectNotFoundError, FileNotFoundError) as error:
        raise Lost(f"There is no {key} in the object store.") from error
    except BaseError as error:
        raise Unavailable(f"The object store {does_not} {key}: {_short(error)}") from error


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
