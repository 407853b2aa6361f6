"""`visavis doctor`: every finding that is none comes with its remedy."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from shared.model.obstacles import Obstacle, WhyNot
from tests.redis_server import RedisServer
from visavis.cli import doctor, main
from visavis.settings import variables_there_are


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without what is said to Visavis where the tests run."""
    for name in variables_there_are():
        if name.startswith("VISAVIS_"):
            monkeypatch.delenv(name)
    return monkeypatch


def test_settings_that_nobody_refuses_are_well(plain: pytest.MonkeyPatch) -> None:
    plain.setenv("VISAVIS_DETECT_EVERY", "4")
    said = "no variable has a wrong form"
    assert list(doctor._settings()) == [doctor.Finding("settings", works=True, detail=said)]


def test_a_wrong_setting_is_a_failure_that_names_it_and_who_reads_it(
    plain: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain.setenv("VISAVIS_DETECT_EVERY", "abc")
    assert main(["doctor"]) == 1
    assert "fails settings of detect: VISAVIS_DETECT_EVERY=abc: Input should be" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value", "readers"),
    [
        ("VISAVIS_LANE_CORES", "abc", "ingest, command line"),
        ("VISAVIS_CARD", "first", "ingest, detect, render, command line"),
    ],
)
def test_a_wrong_variable_of_the_command_line_is_a_failure_among_others(
    plain: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, readers: str
) -> None:
    plain.setenv(variable, value)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert f"fails settings of {readers}: {variable}={value}: " in said
    assert "GPU lane: " in said


def test_what_names_no_object_store_is_a_failure_that_does_not_show_it(
    plain: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain.setenv("VISAVIS_STORE_URL", "ftp://me:hidden@here/x")
    assert main(["doctor"]) == 1
    said = "".join(capsys.readouterr())
    assert "fails object store: VISAVIS_STORE_URL names none" in said
    assert "hidden" not in said


def test_what_may_name_an_object_store_is_not_said_to_answer(plain: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain.setenv("VISAVIS_STORE_URL", "s3://bucket/prefix")
    finding = found_of("object store", tmp_path)
    assert (finding.works, finding.detail.endswith("whether it answers is not tried here")) == (True, True)


def test_no_folder_is_made_by_looking(plain: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain.setenv("VISAVIS_STORE_URL", (tmp_path / "objects").as_uri())
    everything = list(doctor.examine(argparse.Namespace(models=tmp_path, effects=None)))
    assert "object store" not in {finding.what for finding in everything}
    assert not (tmp_path / "objects").exists()


def test_a_variable_that_nobody_reads_is_no_failure_and_the_one_that_is_meant_is_named(
    plain: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain.setenv("VISAVIS_DETECT_EVRY", "4")
    settings, odd = doctor._settings()
    assert (settings.works, odd.works, odd.is_needed) == (True, False, False)
    plain.setattr(doctor, "examine", lambda _: iter([odd]))
    assert doctor.run(argparse.Namespace()) == 0
    said = capsys.readouterr().out
    assert said == "odd   VISAVIS_DETECT_EVRY: nobody reads it\n       Is VISAVIS_DETECT_EVERY meant?\n"


def test_missing_models_are_said_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--models", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "fails models" in said
    assert "make models" in said


def test_a_missing_nats_server_is_said_with_its_own_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = {finding.what: finding for finding in doctor.examine(argparse.Namespace(models=tmp_path, effects=None))}
    assert (found["NATS server"].works, found["NATS server"].remedy) == (False, "Run `make setup`.")


def test_what_is_not_needed_does_not_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    absent = doctor.Finding("GPU lane", works=False, detail="no card", remedy="Nothing to do.", is_needed=False)
    monkeypatch.setattr(doctor, "examine", lambda _: iter([absent]))
    assert doctor.run(argparse.Namespace()) == 0
    assert "absent GPU lane: no card" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("named", "works", "said"),
    [
        ("auto", True, "frames lie on card 0"),
        ("2", False, "drawn on the CPU: It is not passed on."),
        ("none", False, "VISAVIS_CARD names none."),
    ],
)
def test_of_a_card_it_is_said_whether_processes_share_its_memory(
    monkeypatch: pytest.MonkeyPatch, named: str, works: bool, said: str
) -> None:
    monkeypatch.setattr(doctor.card_probe, "why_not", {2: WhyNot(Obstacle.NOT_SHARED, "It is not passed on.")}.get)
    finding = doctor._card(named)
    assert (finding.works, finding.is_needed) == (works, False)
    assert said in finding.detail


def test_too_little_shared_memory_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SHARED_MIB", 1 << 40)
    found = {finding.what: finding for finding in doctor.examine(argparse.Namespace(models=tmp_path, effects=None))}
    assert not found["shared memory"].works
    assert "--shm-size" in found["shared memory"].remedy


def test_a_missing_package_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package-anywhere",))
    found = {finding.what: finding for finding in doctor.examine(argparse.Namespace(models=tmp_path, effects=None))}
    assert (found["no-such-package-anywhere"].works, found["Python"].works) == (False, True)


def test_effects_of_ones_own_are_listed_with_their_files(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("from visavis.effects import effect\n@effect('Glows.')\ndef glow(face): pass\n")
    found = {one.what: one for one in doctor.examine(argparse.Namespace(models=tmp_path, effects=tmp_path))}
    assert found["effects of your own"] == doctor.Finding("effects of your own", works=True, detail=f"glow ({path})")


def test_a_broken_effect_is_a_failure_with_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("\n1 / 0\n")
    found = {one.what: one for one in doctor.examine(argparse.Namespace(models=tmp_path, effects=tmp_path))}
    finding = found["effects of your own"]
    assert not finding.works
    assert "own.py, line 2: ZeroDivisionError" in finding.detail


def found_of(what: str, folder: Path) -> doctor.Finding:
    everything = doctor.examine(argparse.Namespace(models=folder, effects=None))
    return next(finding for finding in everything if finding.what == what)


def test_whoever_reads_fetched_streams_is_tried_in_a_process_of_its_own(tmp_path: Path) -> None:
    before = Path("/proc/self/ns/net").readlink()
    found = found_of("fetched streams", tmp_path)
    assert found.works or "refuses" in found.detail
    assert Path("/proc/self/ns/net").readlink() == before


def test_a_kernel_that_refuses_is_no_failure_and_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LEAVE_NETWORK", "raise OSError(1, 'not permitted')")
    found = found_of("fetched streams", tmp_path)
    assert (found.works, found.is_needed) == (False, False)
    assert "VISAVIS_SOURCE_UNCONFINED" in found.remedy


def test_without_a_program_that_has_srt_the_remedy_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISAVIS_SOURCE_SRT_PROGRAM", str(tmp_path / "nowhere"))
    main(["doctor"])
    said = capsys.readouterr().out
    assert f"absent SRT: srt:// is not read: {tmp_path}/nowhere has none" in said
    assert "Install visavis[srt] or a package ffmpeg" in said


def test_every_finding_that_fails_has_a_remedy(tmp_path: Path) -> None:
    for finding in doctor.examine(argparse.Namespace(models=tmp_path, effects=None)):
        assert finding.works or finding.remedy, finding.what


def test_the_context_store_is_looked_at_where_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer(tmp_path / "redis") as server:
        monkeypatch.setenv("VISAVIS_CONTEXT", server.url)
        found = found_of("session context", tmp_path)
        assert (found.works, found.detail) == (True, f"kept at redis://127.0.0.1:{server.port}/1")
        server.end()
        found = found_of("session context", tmp_path)
        assert (found.works, found.is_needed) == (False, False)
        assert "who resumes one begins anew" in found.remedy


def test_a_context_store_that_is_none_is_a_failure_and_its_password_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_CONTEXT", "redis://:secret@host:6379/zero")
    found = found_of("session context", tmp_path)
    assert (found.works, found.is_needed) == (False, True)
    assert "secret" not in found.detail + found.remedy


def test_without_a_url_nothing_is_said_of_a_context_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISAVIS_CONTEXT", raising=False)
    everything = doctor.examine(argparse.Namespace(models=tmp_path, effects=None))
    assert "session context" not in {finding.what for finding in everything}
