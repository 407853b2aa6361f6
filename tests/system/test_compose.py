"""docker-compose.yml, really built and brought up where a container engine runs, and processes of it killed.

What stands around the services comes from Debian's packages here: Redis and Prometheus; NATS from the wheel. The
object store is a volume; MinIO, the collector, Jaeger and Grafana are not started.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import av
import httpx
import pytest

from tests.ports import free_ports
from tests.system import engine
from tests.system.watching import until, wait_until
from visavis.client import Client
from visavis.sample import write_sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(1800)
LANE = ("ingest", "detect", "render")
OURS = ("gateway", *LANE)
STARTED = (*OURS, "nats", "redis", "prometheus")
PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Compose:
    """A project of docker-compose.yml, with a file of ours over it."""

    name: str
    over: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str) -> str:
        files = "-f", str(engine.ROOT / "docker-compose.yml"), "-f", str(self.over)
        came = subprocess.run(
            ("docker-compose", "--project-directory", str(engine.ROOT), "-p", self.name, *files, *words),
            check=False, capture_output=True, text=True, env={**os.environ, **self.variables},
        )  # fmt: skip
        assert came.returncode == 0, (came.stdout + came.stderr)[-4000:]
        return came.stdout

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.variables['VISAVIS_PUBLISH_REST']}"

    def inspect(self, service: str) -> dict[str, Any]:
        found = json.loads(engine.done("inspect", self("ps", "-q", service).strip()))
        return dict(found[0])


@pytest.fixture(scope="module")
def images(image_base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Builds every target, to run without a shell; the first part of the images' names."""
    if shutil.which("docker-compose") is None:
        pytest.skip("There is no docker-compose to bring the stack up with: install it.")
    name = f"visavis-test-{secrets.token_hex(4)}"
    try:
        engine.make_without_shell(f"{name}-bare", image_base, tmp_path_factory.mktemp("bare") / "export.tar")
        engine.make_with_peers(f"{name}-peers", image_base)
        for target in ("cli", *OURS):
            arguments = {"BASE": image_base, "RUNTIME": f"{name}-bare"}
            engine.build(f"{name}-{target}", "deploy/Dockerfile", target, arguments)
        yield name
    finally:
        for part in ("cli", *OURS, "peers", "bare"):
            engine.docker("image", "rm", f"{name}-{part}")


def over(folder: Path, images: str) -> Path:
    """The file over the project's own: the object store is a volume, and servers come from packages."""
    as_root = {"user": "0:0"}
    services: dict[str, Any] = {service: {"volumes": ["objects:/objects"]} for service in (*OURS, "cli")}
    services |= {"nats": {"image": f"{images}-cli"}, "redis": {"image": f"{images}-peers"}}
    services["prometheus"] = {"image": f"{images}-peers", "entrypoint": ["prometheus"], **as_root}
    memory = {"type": "tmpfs", "device": "tmpfs", "o": "size=256m,mode=0700,uid=65532,gid=65532"}
    path = folder / "over.yml"
    path.write_text(json.dumps({"services": services, "volumes": {"objects": {"driver_opts": memory}}}))
    return path


@pytest.fixture(scope="module")
def stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """Up, and each of the services healthy. Down afterwards, and nothing left."""
    variables = {
        "VISAVIS_IMAGES": images,
        "VISAVIS_STORE_URL": "file:///objects",
        "VISAVIS_COLLECTOR": "",
    }
    for published, port in zip(("REST", "GRPC", "PROMETHEUS"), free_ports(3), strict=True):
        variables[f"VISAVIS_PUBLISH_{published}"] = str(port)
    folder = tmp_path_factory.mktemp("compose")
    compose = Compose(f"vt{secrets.token_hex(4)}", over(folder, images), variables)
    try:
        compose("up", "-d", "--no-build", *STARTED)
        for service in OURS:
            wait_until(lambda: is_healthy(compose, service), f"{service} is healthy", PATIENCE_SECONDS)  # noqa: B023
        yield compose
    finally:
        compose("down", "-v", "--timeout", "20")
    for what in ("ps -aq", "volume ls -q", "network ls -q"):
        assert not engine.done(*what.split(), "--filter", f"label=com.docker.compose.project={compose.name}")


def is_healthy(compose: Compose, service: str) -> bool:
    return str(compose.inspect(service)["State"]["Health"]["Status"]) == "healthy"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    write_sample(path)
    return path


def pts_of(path: Path) -> list[int | None]:
    with av.open(str(path)) as opened:
        return [frame.pts for frame in opened.decode(video=0)]


def lane_is_known(rest: str) -> bool:
    try:
        return bool(httpx.get(f"{rest}/healthz", trust_env=False, timeout=10).json()["lanes"])
    except (httpx.HTTPError, ValueError):
        return False


def test_a_picture_goes_through_the_stack(stack: Compose, portrait: bytes) -> None:
    wait_until(lambda: lane_is_known(stack.rest), "the gateway knows the lane", PATIENCE_SECONDS)
    with Client(stack.rest) as client:
        assert client.process_image(portrait, "natural") not in {b"", portrait}


@pytest.mark.parametrize("killed", LANE)
def test_a_job_ends_right_though_a_container_is_killed(
    stack: Compose, sample: Path, tmp_path: Path, killed: str
) -> None:
    before = stack.inspect(killed)
    with Client(stack.rest) as client:
        job = client.submit_job(sample, look="default", want="picture")
        until(client, job["id"], lambda found: found["frames"] > 0)
        os.kill(before["State"]["Pid"], signal.SIGKILL)  # as a crash: what `docker kill` ends is not started again
        found = until(client, job["id"], lambda found: found["state"] in {"done", "failed"}, PATIENCE_SECONDS)
        assert found["state"] == "done", found["problem"]
        client.download(job["id"], tmp_path / "result")
    assert pts_of(tmp_path / "result") == pts_of(sample)
    after = stack.inspect(killed)
    assert after["RestartCount"] == before["RestartCount"] + 1
    wait_until(lambda: is_healthy(stack, killed), f"{killed} is healthy again", PATIENCE_SECONDS)


@pytest.mark.parametrize("service", OURS)
def test_a_container_may_do_nothing_that_it_need_not(stack: Compose, service: str) -> None:
    found = stack.inspect(service)
    host, config = found["HostConfig"], found["Config"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["Privileged"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert config["User"] == "65532:65532"
    status = engine.done("exec", found["Id"], "python", "-c", "print(open('/proc/1/status').read())")
    words = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {words[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert (words["NoNewPrivs"], words["Seccomp"]) == ("1", "2")


def test_decoders_make_no_socket_where_the_engine_refuses_namespaces(stack: Compose) -> None:
    assert "refused to decoders" in stack("logs", "--no-color", "ingest")
    code = "import socket; from services.ingest import confinement; print(confinement.refuse_sockets())\n"
    code += "try: socket.socketpair(), socket.socket()\nexcept PermissionError as error: print(error.strerror)"
    told = engine.done("exec", stack.inspect("ingest")["Id"], "python", "-c", code)
    assert told.splitlines() == ["True", "Permission denied"]


def test_prometheus_finds_every_service_by_its_name(stack: Compose) -> None:
    asked = f"http://127.0.0.1:{stack.variables['VISAVIS_PUBLISH_PROMETHEUS']}/api/v1/targets"

    def up() -> set[str]:
        targets = httpx.get(asked, trust_env=False, timeout=10).json()["data"]["activeTargets"]
        return {target["labels"]["job"] for target in targets if target["health"] == "up"}

    wait_until(lambda: up() == {*OURS}, "Prometheus has asked every service", PATIENCE_SECONDS)


@pytest.mark.parametrize("service", OURS)
def test_an_image_has_its_own_service_no_shell_and_a_list_of_its_packages(images: str, service: str) -> None:
    image = f"{images}-{service}"
    assert "executable file not found" in engine.docker("run", "--rm", "--entrypoint", "sh", image, "-c", "true").stderr
    code = "import importlib.metadata as m, json, os; print(json.dumps([os.listdir('/opt/visavis/app/services'), "
    code += "json.load(open('/opt/visavis/sbom.json')), sorted({d.name for d in m.distributions()})]))"
    services, bom, installed = json.loads(engine.done("run", "--rm", "--entrypoint", "python", image, "-c", code))
    assert {name for name in services if not name.startswith("__")} == {service}
    assert (bom["bomFormat"], bom["metadata"]["component"]["name"]) == ("CycloneDX", "visavis")
    assert sorted(one["name"] for one in bom["components"]) == sorted({*installed} - {"visavis"})
