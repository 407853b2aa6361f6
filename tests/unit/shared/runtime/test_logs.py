from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest
import structlog

from shared.model.jobs import JobRequested, SegmentRequested
from shared.runtime.logs import about, log, now_about, set_up_logging
from shared.runtime.telemetry import Telemetry, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.runtime.settings import ServiceSettings


Lines = "Callable[[], list[dict[str, Any]]]"


@pytest.fixture
def lines(settings: ServiceSettings, capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What was logged since one asked last, as a service logs it. All is as before afterwards."""
    root = logging.getLogger()
    handlers, level, hooks = root.handlers[:], root.level, (sys.excepthook, threading.excepthook)
    try:
        set_up_logging("detect", settings)
        [handler] = [one for one in root.handlers if isinstance(one, logging.StreamHandler)]
        handler.stream = _Stdout()
        yield lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook, threading.excepthook = hooks
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


class _Stdout:
    """What is stdout at the moment: pytest has another one for the test than for its fixtures."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def test_a_line_has_the_fields_of_ecs_and_our_own_apart(lines: Lines) -> None:
    log.info("request", method="GET", status=200, duration_ns=1500, route="/v1/jobs")
    (line,) = lines()
    assert list(line)[:3] == ["@timestamp", "log.level", "message"]
    assert line["@timestamp"].endswith("Z")
    assert line.pop("process.pid") > 0
    assert line.items() >= {
        "log.level": "info", "message": "request", "ecs.version": "8.11.0",
        "service.name": "visavis-detect", "service.node.name": "test/7",
        "http.request.method": "GET", "http.response.status_code": 200, "event.duration": 1500,
        "visavis.lane": "test", "visavis.worker": "7", "visavis.route": "/v1/jobs",
    }.items()  # fmt: skip


def test_a_line_has_the_ids_of_its_trace(telemetry: Telemetry, lines: Lines) -> None:
    with telemetry.span("work") as span:
        log.info("drawn")
        expected = trace_id_of(span)
    (line,) = lines()
    assert (line["trace.id"], len(line["span.id"])) == (expected, 16)


def test_lines_are_about_what_is_worked_on_and_tasks_at_a_time_keep_apart(lines: Lines) -> None:
    async def work(name: str) -> None:
        with about(session=name, job=None):
            for _ in range(3):
                await asyncio.sleep(0)
                log.info(name)
                await asyncio.gather(asyncio.to_thread(log.info, name), told(name))
        log.info("nothing")

    async def told(name: str) -> None:
        logging.getLogger("a.library").info(name)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(work(f"s{number}"))

    asyncio.run(all_of_them())
    said = lines()
    assert len(said) == 5 * (3 * 3 + 1)
    assert all(line.get("visavis.session", "nothing") == line["message"] for line in said)
    assert not any("visavis.job" in line for line in said)


def test_a_message_says_what_the_lines_of_its_task_are_about_until_the_next(lines: Lines) -> None:
    now_about(SegmentRequested(job="j", segment=0, want="picture", facts=None, look=None))  # type: ignore[arg-type]
    log.info("first")
    now_about(JobRequested(job="k"))
    log.info("second")
    now_about()
    log.info("third")
    ids = [{key: one for key, one in line.items() if key in ("visavis.job", "visavis.segment")} for line in lines()]
    assert ids == [{"visavis.job": "j", "visavis.segment": 0}, {"visavis.job": "k"}, {}]


def test_what_libraries_say_and_warn_of_has_the_same_form(lines: Lines) -> None:
    logging.getLogger("a.library").warning("it is %s", "late")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    said, warned = lines()
    assert (said["log.logger"], said["log.level"], said["message"]) == ("a.library", "warning", "it is late")
    assert warned["log.logger"] == "py.warnings"
    assert "old" in warned["message"]
    assert said.keys() == warned.keys()


def test_an_exception_is_one_line_with_its_class_apart(lines: Lines) -> None:
    try:
        int("broken")
    except ValueError:
        log.exception("unexpected")
        logging.getLogger("a.library").exception("unexpected")
    for line in lines():
        assert (line["error.type"], line["log.level"]) == ("ValueError", "error")
        assert line["error.message"].startswith("invalid literal")
        assert line["error.stack_trace"].startswith("Traceback")


def test_the_death_of_a_process_and_of_a_thread_is_a_line(lines: Lines) -> None:
    sys.excepthook(ValueError, ValueError("here"), None)
    thread = threading.Thread(target=lambda: {}["none"])
    thread.start()
    thread.join()
    assert [(line["log.level"], line["error.type"]) for line in lines()] == [
        ("critical", "ValueError"), ("error", "KeyError"),
    ]  # fmt: skip


def test_setting_up_twice_says_everything_once(lines: Lines, settings: ServiceSettings) -> None:
    set_up_logging("detect", settings)
    log.warning("once")
    logging.getLogger("a.library").warning("once too")
    assert [line["message"] for line in lines()] == ["once", "once too"]


def test_less_than_the_level_is_not_said(lines: Lines, settings: ServiceSettings) -> None:
    set_up_logging("detect", settings.model_copy(update={"log_level": "error"}))
    log.warning("not this")
    log.error("this")
    assert [line["message"] for line in lines()] == ["this"]
