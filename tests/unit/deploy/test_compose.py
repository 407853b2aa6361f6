"""docker-compose.yml and deploy/Dockerfile name what there is: settings, targets, ports, volumes, files."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.detect.settings import DetectSettings
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings

ROOT = Path(__file__).parents[3]
SETTINGS = {
    "gateway": GatewaySettings, "ingest": IngestSettings, "detect": DetectSettings, "render": RenderSettings,
    "ingest-cuda": IngestSettings, "detect-cuda": DetectSettings, "render-cuda": RenderSettings,
}  # fmt: skip
OURS = {*SETTINGS, "cli", "card"}
ELSEWHERE = re.compile(r"AWS_\w+|OTEL_EXPORTER_OTLP_ENDPOINT")
"""What libraries read: the object store's, and the exporter of traces."""


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


def services() -> dict[str, dict[str, Any]]:
    return dict(compose()["services"])


@cache
def dockerfile() -> str:
    return (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")


@cache
def variables() -> dict[str, str]:
    """Of all targets of the Dockerfile."""
    lines = re.findall(r"^ENV (.*)$", dockerfile(), re.MULTILINE)
    return {name: value for line in lines for name, value in re.findall(r"(VISAVIS_\w+)=(\S+)", line)}


def known(settings: type) -> set[str]:
    return {f"VISAVIS_{name.upper()}" for name in settings.model_fields}  # type: ignore[attr-defined]


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_is_told_nothing_that_it_does_not_know(service: str) -> None:
    named = set(services()[service]["environment"])
    store = {"VISAVIS_STORE_URL", "VISAVIS_CONTEXT"}  # of all services, though detect keeps nothing
    unknown = {name for name in named if not ELSEWHERE.fullmatch(name)} - known(SETTINGS[service]) - store
    assert not unknown


def test_what_the_images_set_is_a_setting_of_some_service() -> None:
    everything = set().union(*map(known, SETTINGS.values()))
    assert set(variables()) <= everything


@pytest.mark.parametrize("service", services())
def test_every_container_has_as_few_rights_as_can_be(service: str) -> None:
    found = services()[service]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode"} & found.keys()


@pytest.mark.parametrize("service", services())
def test_ports_are_published_on_loopback_only(service: str) -> None:
    for port in services()[service].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{VISAVIS_PUBLISH_\w+:-\d+\}:\d+", port)


def test_the_gateways_ports_are_those_of_its_image() -> None:
    inside = {port.rsplit(":", 1)[1] for port in services()["gateway"]["ports"]}
    assert inside == {variables()["VISAVIS_REST_PORT"], variables()["VISAVIS_GRPC_PORT"]}
    assert set(re.findall(r"127\.0\.0\.1:(\d+)/", dockerfile())) == {"8700", "9464"}, "of the health checks"


@pytest.mark.parametrize("service", sorted(OURS))
def test_our_images_are_targets_of_the_dockerfile(service: str) -> None:
    found = services()[service]
    image = re.fullmatch(r"\$\{VISAVIS_IMAGES:-visavis\}-([a-z-]+):\$\{VISAVIS_TAG:-latest\}", found["image"])
    assert image is not None
    if service != "card":
        assert image[1] == service
        target, is_cuda = found["build"]["target"], service.endswith("-cuda")
        assert f" AS {target}\n" in dockerfile()
        assert target == service.removesuffix("-cuda")
        assert found["build"]["args"].get("VARIANT", "") == ("-cuda" if is_cuda else "")
        assert (ROOT / "deploy/locks" / f"{service}.txt").exists()


@pytest.mark.parametrize("service", sorted(set(services()) - OURS))
def test_images_of_others_have_a_version_and_may_be_replaced(service: str) -> None:
    assert re.fullmatch(r"\$\{VISAVIS_\w+_IMAGE:-[\w./-]+:[\w.-]*\d[\w.-]*\}", services()[service]["image"])


def test_volumes_are_declared_used_and_files_are_there() -> None:
    mounts = [mount.split(":")[0] for found in services().values() for mount in found.get("volumes", ())]
    assert {mount for mount in mounts if not mount.startswith("./")} == set(compose()["volumes"])
    assert not [mount for mount in mounts if mount.startswith("./") and not (ROOT / mount).exists()]


def test_a_lane_on_a_card_shares_what_ipc_handles_need() -> None:
    for service in ("ingest-cuda", "detect-cuda", "render-cuda"):
        found = services()[service]
        assert (found["ipc"], found["pid"]) == ("service:card", "service:card")
        [device] = found["deploy"]["resources"]["reservations"]["devices"]
        assert device["driver"] == "nvidia"
        assert "gpu" in device["capabilities"]
    assert services()["card"]["ipc"] == "shareable"


def test_nothing_starts_by_default_but_the_stack_on_the_cpu() -> None:
    default = {name for name, found in services().items() if "profiles" not in found}
    assert default == {
        "gateway", "ingest", "detect", "render", "nats", "redis", "store", "bucket",
        "collector", "jaeger", "prometheus", "grafana",
    }  # fmt: skip


def test_the_file_is_of_the_compose_specification() -> None:
    """By its schema, which check-jsonschema carries."""
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")
    done = subprocess.run((*command, str(ROOT / "docker-compose.yml")), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_docker_compose_takes_the_file() -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("There is no docker-compose to check the file against its schema: install it.")
    words = "--profile", "cuda", "--profile", "cli", "config", "-q"
    command = ("docker-compose", "-f", str(ROOT / "docker-compose.yml"), *words)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
