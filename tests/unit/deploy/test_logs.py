"""What ships logs names what there is: pipelines their components, and files that services write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML, which reads the files of deploy/, is not installed.")

DEPLOY = Path(__file__).parents[3] / "deploy"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return found


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """As the collector merges its files: maps one into the other, anything else is replaced."""
    both = {**one, **other}
    return {
        key: merged(one[key], other[key])
        if isinstance(one.get(key), dict) and isinstance(other.get(key), dict)
        else value
        for key, value in both.items()
    }


@pytest.mark.parametrize("files", [["collector"], ["collector", "elasticsearch"]])
def test_every_pipeline_has_its_components_and_none_is_left_over(files: list[str]) -> None:
    whole: dict[str, Any] = {}
    for name in files:
        whole = merged(whole, read(f"collector/{name}.yml"))
    pipelines = whole["service"]["pipelines"].values()
    for kind in ("receivers", "processors", "exporters"):
        assert {one for pipeline in pipelines for one in pipeline[kind]} == set(whole[kind])
    assert set(whole["service"]["extensions"]) == set(whole["extensions"])


def test_the_collector_takes_what_services_send_where_compose_sends_it() -> None:
    base = read("collector/collector.yml")
    assert set(base["service"]["pipelines"]) == {"traces", "metrics"}
    assert base["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")


def test_operators_lead_to_operators_that_there_are() -> None:
    operators = read("collector/elasticsearch.yml")["receivers"]["filelog"]["operators"]
    ids = [one["id"] for one in operators]
    assert len(set(ids)) == len(ids)
    for number, one in enumerate(operators):
        led_to = [*(route["output"] for route in one.get("routes", ())), one.get("default"), one.get("output")]
        assert all(ids.index(name) > number for name in led_to if name)


def test_filebeat_makes_documents_of_the_same_data_stream() -> None:
    shipped, index = read("filebeat/filebeat.yml"), read("collector/elasticsearch.yml")["exporters"]["elasticsearch"]
    inputs = shipped["filebeat.inputs"]
    assert {one["index"] for one in inputs} == {index["logs_index"]}
    assert len({one["id"] for one in inputs}) == len(inputs)
    for one in inputs:
        assert (
            one["parsers"][-1]["ndjson"].items() >= {"target": "", "overwrite_keys": True, "expand_keys": True}.items()
        )
