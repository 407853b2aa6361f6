"""deploy/k8s, as kustomize builds it: it fits the published schemas, Pod Security's `restricted`, and our settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.detect.settings import DetectSettings
from services.gateway.measuring import QUEUES
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings
from shared.runtime.instruments import QUEUE_MESSAGES, ROOM
from shared.runtime.settings import END_SECONDS
from shared.transport.nats_server import binary
from shared.transport.topology import JOBS, plan_queue, segment_queue

yaml = pytest.importorskip("yaml", reason="PyYAML, by which manifests are read, is not installed")

FOLDER = Path(__file__).parents[3] / "deploy" / "k8s"
KUBERNETES = "1.34"
OVERLAYS = ("cpu", "gpu", "hpa")
SETTINGS: dict[str, Any] = {
    "gateway": GatewaySettings, "ingest": IngestSettings, "detect": DetectSettings, "render": RenderSettings,
}  # fmt: skip
SCALED_OBJECT = {
    "scaleTargetRef", "pollingInterval", "initialCooldownPeriod", "cooldownPeriod", "idleReplicaCount", "fallback",
    "minReplicaCount", "maxReplicaCount", "advanced", "triggers",
}  # fmt: skip
"""keda.sh/docs/2.19/reference/scaledobject-spec"""
TRIGGERS = {
    "nats-jetstream": (
        {"natsServerMonitoringEndpoint", "account", "stream", "consumer", "lagThreshold"},
        {"activationLagThreshold", "useHttps"},
    ),
    "prometheus": ({"serverAddress", "query", "threshold"}, {"activationThreshold", "ignoreNullValues", "unsafeSsl"}),
}
"""What each needs, and may have: keda.sh/docs/2.19/scalers"""
WORKLOADS = {"Deployment", "StatefulSet"}
FROM_FIELD = {"metadata.name": "lane-jobs-5d4f8c7b9f-x2x7q"}
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@pytest.fixture(scope="module")
def without_keda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The overlay for processors with the other component in the place of KEDA's."""
    folder = tmp_path_factory.mktemp("hpa")
    made = yaml.safe_load((FOLDER / "overlays/cpu/kustomization.yaml").read_text())
    made["resources"] = [os.path.relpath(FOLDER / "base", folder)]
    made["components"] = [os.path.relpath(FOLDER / "autoscaling/hpa", folder)]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(made))
    return folder


@cache
def built(folder: Path) -> list[dict[str, Any]]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl, which makes manifests of kustomizations, is not installed")
    made = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return list(yaml.safe_load_all(made.stdout))


@pytest.fixture
def manifests(overlay: str, without_keda: Path) -> list[dict[str, Any]]:
    return built(without_keda if overlay == "hpa" else FOLDER / "overlays" / overlay)


def of_kind(manifests: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] in kinds}


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod of each workload."""
    return {name: one["spec"]["template"] for name, one in of_kind(manifests, *WORKLOADS).items()}


def containers(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in pod["spec"]["containers"]}


def environment(manifests: list[dict[str, Any]], container: dict[str, Any]) -> dict[str, str]:
    """What a container is told, but for secrets."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            found |= of_kind(manifests, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    for one in container.get("env", []):
        origin = one.get("valueFrom", {})
        if "secretKeyRef" not in origin:
            found[one["name"]] = one["value"] if "value" in one else FROM_FIELD[origin["fieldRef"]["fieldPath"]]
    return found


def is_chosen(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items()
    among = selector.get("matchExpressions", [])
    return wanted <= labels.items() and all(labels.get(one["key"]) in one["values"] for one in among)


@every_overlay
def test_every_object_fits_the_schema_of_its_kind(manifests: list[dict[str, Any]]) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for one in manifests:
        if one["kind"] != "ScaledObject":
            validator.validate(one, KUBERNETES, strict=True)


def test_scaled_objects_have_what_keda_knows_and_needs() -> None:
    """By our own reading of KEDA's documentation; deploy/k8s/README.md says what tried its definitions themselves."""
    scaled = of_kind(built(FOLDER / "overlays/cpu"), "ScaledObject")
    assert set(scaled) == {"lane-jobs", "lane-live"}
    for one in scaled.values():
        assert set(one["spec"]) <= SCALED_OBJECT
        for trigger in one["spec"]["triggers"]:
            needed, others = TRIGGERS[trigger["type"]]
            assert needed <= set(trigger["metadata"]) <= needed | others
            assert all(isinstance(value, str) for value in trigger["metadata"].values())


@every_overlay
def test_pods_are_restricted(manifests: list[dict[str, Any]]) -> None:
    [namespace] = of_kind(manifests, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(manifests).values():
        spec, security = pod["spec"], pod["spec"]["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"] > 0) == (True, True)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & set(spec)
        assert all({"emptyDir", "configMap"} & set(volume) for volume in spec["volumes"])
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert all("hostPort" not in port for port in container["ports"])


@every_overlay
def test_services_are_told_nothing_that_they_do_not_take(
    manifests: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {f"VISAVIS_{name.upper()}" for settings in SETTINGS.values() for name in settings.model_fields}
    told = [one for pod in pods(manifests).values() for one in containers(pod).values() if one["name"] in SETTINGS]
    assert len(told) == 7
    for container in told:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("VISAVIS_")]:
                patch.delenv(name)
            for name, value in environment(manifests, container).items():
                assert not name.startswith("VISAVIS_") or name in known, name
                patch.setenv(name, value)
            SETTINGS[container["name"]]()


@every_overlay
def test_a_lane_shares_its_frames_and_ends_within_its_grace(manifests: list[dict[str, Any]], overlay: str) -> None:
    for name in ("lane-live", "lane-jobs"):
        pod = pods(manifests)[name]
        services = containers(pod)
        assert set(services) == {"ingest", "detect", "render"}
        [frames] = [one for one in pod["spec"]["volumes"] if one["name"] == "frames"]
        assert frames["emptyDir"]["medium"] == "Memory"
        assert all({"name": "frames", "mountPath": "/dev/shm"} in one["volumeMounts"] for one in services.values())  # noqa: S108
        told = [environment(manifests, one) for one in services.values()]
        assert {one["VISAVIS_LANE"] for one in told} == {FROM_FIELD["metadata.name"]}
        [drain] = {float(one["VISAVIS_DRAIN_SECONDS"]) for one in told}
        assert pod["spec"]["terminationGracePeriodSeconds"] >= drain + END_SECONDS
        assert pod["spec"].get("shareProcessNamespace", False) == (overlay == "gpu")
        assert {"claims" in one["resources"] for one in services.values()} == {overlay == "gpu"}


@every_overlay
def test_probes_ask_the_port_on_which_a_service_answers(manifests: list[dict[str, Any]]) -> None:
    for pod in pods(manifests).values():
        for name, container in containers(pod).items():
            ports = {one["name"]: one["containerPort"] for one in container["ports"]}
            asked = {
                kind: (one["httpGet"]["path"], str(ports[one["httpGet"]["port"]]))
                for kind, one in container.items() if kind.endswith("Probe")
            }  # fmt: skip
            told = environment(manifests, container)
            if name == "nats":
                assert {port for _, port in asked.values()} == {"8222"}
            else:
                port = told["VISAVIS_REST_PORT" if name == "gateway" else "VISAVIS_METRICS_PORT"]
                ready = "/livez" if name == "gateway" else "/readyz"  # a gateway takes jobs without a lane
                assert asked == {
                    "startupProbe": (ready, port), "readinessProbe": (ready, port), "livenessProbe": ("/livez", port)
                }  # fmt: skip


@every_overlay
def test_each_workload_has_a_disruption_budget_and_is_spread(manifests: list[dict[str, Any]]) -> None:
    budgets = of_kind(manifests, "PodDisruptionBudget").values()
    for name, pod in pods(manifests).items():
        labels = pod["metadata"]["labels"]
        assert [one["spec"]["maxUnavailable"] for one in budgets if is_chosen(one["spec"]["selector"], labels)] == [1]
        spread = pod["spec"]["topologySpreadConstraints"]
        assert {one["topologyKey"] for one in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, name
        assert all(is_chosen(one["labelSelector"], labels) for one in spread)


@every_overlay
def test_network_policies_choose_pods_that_there_are(manifests: list[dict[str, Any]]) -> None:
    labels = [pod["metadata"]["labels"] for pod in pods(manifests).values()]
    policies = of_kind(manifests, "NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in policies.values():
        peers = [
            peer["podSelector"]
            for rule in (*policy["spec"].get("ingress", []), *policy["spec"].get("egress", []))
            for peer in (*rule.get("from", []), *rule.get("to", [])) if "podSelector" in peer
        ]  # fmt: skip
        for selector in (policy["spec"]["podSelector"], *peers):
            assert any(is_chosen(selector, one) for one in labels)


def test_the_scaler_asks_for_our_queues_and_counts_as_a_lane_works() -> None:
    manifests = built(FOLDER / "overlays/cpu")
    scaled = of_kind(manifests, "ScaledObject")["lane-jobs"]["spec"]
    assert scaled["minReplicaCount"] == 0
    segments, plans = (one["metadata"] for one in scaled["triggers"])
    assert {one["stream"] for one in (segments, plans)} == {JOBS.name}
    assert (segments["consumer"], plans["consumer"]) == (segment_queue().name, plan_queue().name)
    ingest = containers(pods(manifests)["lane-jobs"])["ingest"]
    assert int(segments["lagThreshold"]) == 2 * int(environment(manifests, ingest)["VISAVIS_JOBS"])
    [peers] = [one for name, one in of_kind(manifests, "Service").items() if name == "nats-peers"]
    host, _, port = segments["natsServerMonitoringEndpoint"].partition(":")
    assert host.split(".")[:2] == [peers["metadata"]["name"], peers["metadata"]["namespace"]]
    assert int(port) in {one["port"] for one in peers["spec"]["ports"]}


def test_the_variant_without_keda_asks_for_what_the_adapter_gives(without_keda: Path) -> None:
    asked = [
        metric["external"]["metric"]["name"]
        for one in of_kind(built(without_keda), "HorizontalPodAutoscaler").values()
        for metric in one["spec"]["metrics"]
    ]
    rules = yaml.safe_load((FOLDER / "autoscaling/hpa/prometheus-adapter.yaml").read_text())["rules"]["external"]
    assert sorted(asked) == sorted(rule["name"]["as"] for rule in rules)
    live = of_kind(built(FOLDER / "overlays/cpu"), "ScaledObject")["lane-live"]["spec"]["triggers"][0]["metadata"]
    assert rules[1]["metricsQuery"] == live["query"]
    for rule, metric in zip(rules, (QUEUE_MESSAGES, ROOM), strict=True):
        assert set(re.findall(r"visavis_\w+", rule["seriesQuery"] + rule["metricsQuery"])) == {metric.family}
    assert '{queue="segments"}' in rules[0]["metricsQuery"]
    assert "segments" in QUEUES


def test_nats_takes_its_configuration() -> None:
    manifests = built(FOLDER / "overlays/cpu")
    [nats] = pods(manifests)["nats"]["spec"]["containers"]
    routes = {one["name"]: one["value"] for one in nats["env"] if "value" in one}
    assert len(routes) == of_kind(manifests, "StatefulSet")["nats"]["spec"]["replicas"]
    told = {"POD_NAME": "nats-0", "NATS_PASSWORD": "secret", "ROUTE_PASSWORD": "secret", **routes}
    told = {name: value.replace("$(ROUTE_PASSWORD)", "secret") for name, value in told.items()}
    checked = subprocess.run(
        [binary(), "-t", "--config", FOLDER / "base/nats.conf"], env=told, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, "is valid" in checked.stderr) == (0, True), checked.stderr
