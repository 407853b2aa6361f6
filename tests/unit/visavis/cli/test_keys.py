"""`visavis keys` on a folder."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from shared.model.keys import KeyRecord, Quotas, Scope, split_key
from shared.transport.keys import KeyRing
from shared.transport.store import ObjectStore
from visavis.cli import main
from visavis.cli.keys import line_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Keys = Callable[..., str]


@pytest.fixture
def keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Keys:
    """What `visavis keys` prints."""

    def run(*words: str) -> str:
        assert main(["keys", *words, "--var", str(tmp_path)]) == 0
        return capsys.readouterr().out

    return run


def record_of(folder: Path, key: str) -> KeyRecord:
    parts = split_key(key.strip())
    assert parts is not None
    record = asyncio.run(KeyRing(ObjectStore.open((folder / "objects").as_uri())).read(parts[0]))
    assert record.fits(parts[1])
    return record


def test_a_key_is_made_with_its_scopes_and_quotas_and_shown_once(keys: Keys, tmp_path: Path) -> None:
    key = keys(
        "add", "shop", "--scope", "jobs", "--scope", "pictures", "--pixels-per-second", "1000000",
        "--bytes-per-day", "2000", "--sessions", "3", "--days", "2",
    )  # fmt: skip
    record = record_of(tmp_path, key)
    assert (record.name, set(record.scopes)) == ("shop", {Scope.JOBS, Scope.PICTURES})
    assert record.quotas == Quotas(pixels_per_second=1_000_000, bytes_per_day=2000, sessions=3)
    assert record.expires_unix_seconds == pytest.approx(time.time() + 2 * 86_400, abs=60)
    assert split_key(key.strip())[1] not in keys("list")  # type: ignore[index]  # it is one


def test_all_scopes_have_one_word(keys: Keys, tmp_path: Path) -> None:
    assert set(record_of(tmp_path, keys("add", "all", "--scope", "all")).scopes) == set(Scope)


def test_a_scope_that_is_none_is_told_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["keys", "add", "shop", "--scope", "foo"])
    said = capsys.readouterr().err
    assert all(scope.value in said for scope in Scope)
    assert "<Scope" not in said


def test_keys_are_listed_and_revoked_by_their_prefix(keys: Keys) -> None:
    made = [keys("add", name, "--scope", "jobs").strip() for name in ("one", "two")]
    prefixes = [key.split("_")[1] for key in made]
    assert [line.split()[:3] for line in keys("list").splitlines()] == [
        [prefixes[0], "valid", "one"], [prefixes[1], "valid", "two"]
    ]  # fmt: skip
    keys("revoke", prefixes[0])
    keys("revoke", made[1])
    assert [line.split()[1] for line in keys("list").splitlines()] == ["revoked", "revoked"]


def test_where_there_is_no_key_it_is_said_beside_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "objects").mkdir()
    assert main(["keys", "list", "--var", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "none\n")


def test_the_store_can_be_named_by_its_url(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = (tmp_path / "elsewhere").as_uri()
    assert main(["keys", "add", "far", "--scope", "jobs", "--store", url]) == 0
    assert url in capsys.readouterr().err
    assert main(["keys", "list", "--store", url]) == 0
    assert "far" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["list"], ["revoke", "a" * 12]])
def test_a_folder_that_is_not_there_is_not_made(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", *words, "--var", str(tmp_path / "nowhere")]) == 1
    assert "There is no object store at" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_a_key_that_there_is_not_cannot_be_revoked(
    keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys("add", "one", "--scope", "jobs")
    assert main(["keys", "revoke", "a" * 12, "--var", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "visavis: There is no key of that prefix.\n"


@pytest.mark.parametrize(
    "words",
    [["", "--scope", "jobs"], ["a\nb", "--scope", "jobs"], ["n" * 65, "--scope", "jobs"], ["n"],
     ["n", "--scope", "everything"], ["n", "--scope", "jobs", "--sessions", "-1"],
     ["n", "--scope", "jobs", "--bytes-per-day", "1e9"]],
)  # fmt: skip
def test_wrong_words_make_no_key(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["keys", "add", *words, "--var", str(tmp_path)])
    assert not (tmp_path / "objects").exists()


def test_a_key_that_has_expired_says_so() -> None:
    record = KeyRecord(
        prefix="a" * 12, name="old", digest="", scopes=(Scope.JOBS,), created_unix_seconds=0, expires_unix_seconds=5.0
    )
    assert line_of(record, 4.0).split()[1] == "valid"
    assert line_of(record, 6.0).split()[1:] == ["expired", "old", "jobs", "since", "1970-01-01"]
