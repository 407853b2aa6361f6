"""The logs' way through a real OpenTelemetry Collector, by the receiver of deploy/collector/elasticsearch.yml."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests import ending
from tests.collecting import collecting

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

FOLDER = Path(__file__).parents[2] / "deploy" / "collector"
PROGRAM = shutil.which("otelcol-contrib")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="There is no OpenTelemetry Collector (otelcol-contrib) here.")
PATIENCE_SECONDS = 60
LINE = {
    "@timestamp": "2026-11-28T00:43:54.730349Z", "log.level": "error", "message": "dead letter", "trace.id": "0af7" * 8,
    "span.id": "b7ad" * 4, "ecs.version": "8.11.0", "service.name": "visavis-ingest", "visavis.job": "one",
}  # fmt: skip
OTHERS = '{"level": "info", "msg": "of somebody else"}'
OWN = {
    "${env:VISAVIS_LOGS:-/var/log/visavis}": "",
    "/var/lib/docker/containers": "/docker", "/var/lib/docker/": "/docker/",
    "/var/log/pods": "/pods",
}  # fmt: skip
"""Where the machine has its logs, and where this test has them."""
EXPORT = """
exporters: {{otlphttp: {{logs_endpoint: "{url}/v1/logs", compression: none}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{logs: {{receivers: [filelog], exporters: [otlphttp]}}}}
"""


def receiver(folder: Path) -> str:
    """The receiver as it is shipped, with this folder in place of the machine's own, and no memory of what it read."""
    found = re.search(r"^receivers:\n.*?(?=^\S)", (FOLDER / "elasticsearch.yml").read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    text = found[0].replace("    storage: file_storage\n", "")
    for path, name in OWN.items():
        text = text.replace(path, f"{folder}{name}")
    return text


def written(folder: Path) -> None:
    """The same lines as `visavis up`, Docker and a pod's runtime leave them."""
    lines = [json.dumps(LINE), OTHERS, "plain words"]
    stamp = "2026-11-28T00:40:00.123456789"
    docker = [json.dumps({"log": f"{line}\n", "stream": "stdout", "time": f"{stamp}Z"}) for line in lines]
    pod = [f"{stamp}+00:00 stdout F {line}" for line in lines]
    files = {"ingest.log": lines, "docker/a1/a1-json.log": docker, "pods/visavis_lane-0_12-ab/ingest/0.log": pod}
    for name, told in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in told))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[LogRecord]:
    """What the collector makes of them."""
    folder = tmp_path_factory.mktemp("logs")
    written(folder)
    with collecting() as collector:
        configuration = folder / "collector.yml"
        configuration.write_text(receiver(folder) + EXPORT.format(url=collector.url))
        found: list[LogRecord] = []
        with subprocess.Popen([str(PROGRAM), f"--config={configuration}"], stderr=subprocess.DEVNULL) as running:
            try:
                end = time.monotonic() + PATIENCE_SECONDS
                while len(found) < 9 and running.poll() is None and time.monotonic() < end:
                    time.sleep(0.1)
                    found = list(taken([body for _, body in list(collector.received)]))
            finally:
                ending.end(running, PATIENCE_SECONDS)
    return found


def taken(bodies: list[bytes]) -> Any:
    """All records of some requests."""
    for body in bodies:
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                yield from scope.log_records


def document(record: LogRecord) -> dict[str, Any]:
    """Its body, which is what Elasticsearch would be given."""
    values = {one.key: one.value for one in record.body.kvlist_value.values}
    return {key: getattr(value, value.WhichOneof("value") or "") for key, value in values.items()}


def of(records: list[LogRecord], chosen: Callable[[dict[str, Any]], bool]) -> list[tuple[LogRecord, dict[str, Any]]]:
    return [(record, told) for record in records if chosen(told := document(record))]


def test_a_line_of_ours_becomes_a_document_as_it_is_with_its_time_severity_and_trace(records: list[LogRecord]) -> None:
    ours = of(records, lambda told: "ecs.version" in told)
    assert len(ours) == 3
    for record, told in ours:
        assert told.items() >= LINE.items()
        assert (record.severity_text, record.trace_id.hex(), record.span_id.hex()) == ("error", "0af7" * 8, "b7ad" * 4)
        assert record.time_unix_nano == 1_795_826_634_730_349_000


def test_any_other_line_becomes_the_message_of_one_with_a_time(records: list[LogRecord]) -> None:
    others = of(records, lambda told: "ecs.version" not in told)
    assert sorted(told["message"] for _, told in others) == sorted([OTHERS, "plain words"] * 3)
    assert all(told["@timestamp"].endswith("Z") for _, told in others)
    stamped = [told for _, told in others if "/docker/" in told["log.file.path"] or "/pods/" in told["log.file.path"]]
    assert {told["@timestamp"] for told in stamped} == {"2026-11-28T00:40:00.123456Z"}


def test_a_pods_lines_say_whose_they_are(records: list[LogRecord]) -> None:
    assert [told["k8s.pod.name"] for _, told in of(records, lambda told: "k8s.pod.name" in told)] == ["lane-0"] * 3


@pytest.mark.parametrize("files", [["collector.yml"], ["collector.yml", "elasticsearch.yml"]])
def test_what_is_shipped_is_valid(files: list[str], tmp_path: Path) -> None:
    components = subprocess.run([str(PROGRAM), "components"], capture_output=True, text=True, check=True).stdout
    if "elasticsearch" not in components:
        pytest.skip("This collector is built without some of what the files name.")
    command = [str(PROGRAM), "validate", *(f"--config={FOLDER / name}" for name in files)]
    said = {
        "COLLECTOR_STATE": str(tmp_path),
        "ELASTICSEARCH_URL": "http://127.0.0.1:9200",
        "ELASTICSEARCH_API_KEY": "a",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**said, "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
