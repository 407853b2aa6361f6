"""Rules of the house that no linter knows: which file has its test, how long things are, what stands where."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("visavis", "services", "shared")
LONGEST_FUNCTION = 50
LONGEST_MODULE = 400
FORBIDDEN_NAMES = {"utils.py", "util.py", "common.py", "helpers.py", "helper.py", "misc.py"}
READS_ENVIRONMENT = {
    "visavis/stack.py",  # hands its own environment on to the services it starts
    "visavis/settings.py",
    "shared/runtime/settings.py",
    "shared/runtime/lifecycle.py",
    "services/detect/__init__.py",  # says what ONNX Runtime has to be told before it is loaded
}
GENERATED = "visavis/v1/"
THIS = "tests/house/test_shape.py"
FOREIGN = re.compile(
    r"pypi\.org|pythonhosted|anaconda\.org|registry\.npmjs|crates\.io|ghcr\.io|(?<![\w.])/(home|Users)/\w|(?<![\w.])/root/"
)

LIVE = "tests/unit/services/ingest/live/test_run.py"
DECODER = "tests/unit/services/ingest/decoders/test_making.py"
CARD_DECODERS = "tests/unit/services/ingest/cuda/test_decoders.py"
TESTED_ELSEWHERE = {
    # protocols and declarations without a line of behaviour
    "shared/transport/bus.py": "tests/contract/test_bus.py",
    "shared/transport/nats_messages.py": "tests/unit/shared/transport/test_nats_bus.py",
    "shared/model/errors.py": "tests/unit/shared/runtime/test_stage.py",
    "shared/model/obstacles.py": "tests/unit/services/ingest/test_measuring.py",
    "shared/model/preparing.py": "tests/house/test_messages.py",
    "shared/model/sessions.py": "tests/house/test_messages.py",
    "services/render/moment.py": "tests/unit/services/render/effects/frame/test_background.py",
    "services/gateway/rest/removal_documents.py": "tests/unit/services/gateway/rest/test_jobs.py",
    "services/gateway/documents.py": "tests/unit/services/gateway/rest/test_contract.py",
    "services/gateway/rest/state_documents.py": "tests/unit/services/gateway/rest/test_operations.py",
    "services/detect/contracts.py": "tests/unit/services/detect/test_finding.py",
    # the three default families are tested as whole models against the reference runtime
    "services/detect/models/translating.py": "tests/unit/services/detect/models/test_convert.py",
    "services/detect/models/families/blazeface.py": "tests/unit/services/detect/models/test_convert.py",
    "services/detect/models/families/facemesh.py": "tests/unit/services/detect/models/test_convert.py",
    "services/detect/models/families/selfie.py": "tests/unit/services/detect/models/test_convert.py",
    # the ports of every family's models are what their tests run
    "services/detect/models/ports.py": "tests/unit/services/detect/models/families/test_heatmap.py",
    # one suite for the double and the real thing
    "shared/testing.py": "tests/contract/test_bus.py",
    "shared/transport/jetstream_kept.py": "tests/contract/test_bus.py",
    "shared/transport/nats_client.py": "tests/unit/shared/transport/test_nats_bus.py",
    "shared/transport/store.py": "tests/contract/test_store.py",
    # what both kinds of frame pool have in common
    "shared/memory/pool_owner.py": "tests/unit/shared/memory/test_host.py",
    "shared/memory/pool_reader.py": "tests/unit/shared/memory/test_reader.py",
    # wiring: only the real processes show whether it is right
    "services/gateway/rest/app.py": "tests/unit/services/gateway/rest/test_contract.py",
    "services/gateway/parts.py": "tests/unit/services/gateway/rest/test_images.py",
    "services/gateway/rpc/server.py": "tests/unit/services/gateway/rpc/test_pictures.py",
    "visavis/serverless/serving.py": "tests/system/test_serverless.py",
    # both ends of the conversation with a decoder are tested together, with real children
    "services/ingest/admission.py": "tests/unit/services/ingest/test_limits.py",
    "services/ingest/decoders/conversation.py": DECODER,
    "services/ingest/messages/coded.py": "tests/unit/services/ingest/videos/test_coded.py",
    "services/ingest/confined/live_forwarding.py": "tests/unit/services/ingest/cuda/test_live.py",
    "services/ingest/cuda/decoder.py": "tests/unit/services/ingest/cuda/test_stream.py",
    "services/ingest/cuda/decoding.py": CARD_DECODERS,
    "services/ingest/cuda/messages.py": CARD_DECODERS,
    "services/ingest/messages/decoder.py": DECODER,
    "services/ingest/confined/process.py": DECODER,
    "services/ingest/videos/demuxing.py": "tests/unit/services/ingest/videos/test_file.py",
    "services/ingest/messages/source.py": "tests/unit/services/ingest/sources/test_reading.py",
    "services/ingest/demuxer/process.py": "tests/unit/services/ingest/sources/test_reading.py",
    "services/ingest/messages/fork_server.py": DECODER,
    "services/ingest/decoders/forking.py": DECODER,
    "services/ingest/videos/planes.py": "tests/unit/services/ingest/videos/test_file.py",
    # one session of its parts, with real decoders
    "services/ingest/live/service.py": LIVE,
    "services/ingest/live/pump.py": LIVE,
    "services/ingest/live/looks.py": LIVE,
}
"""Modules without a test of their own name, and the test that would fail if they were wrong."""


@cache
def tracked() -> list[str]:
    """Files that git knows, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("This is no git checkout: what belongs to the house cannot be told.", allow_module_level=True)
    return sorted(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


@cache
def modules() -> list[str]:
    """Every hand-written Python file that ships."""
    return [
        name for name in tracked()
        if name.endswith(".py") and name.split("/")[0] in PACKAGES and not name.startswith(GENERATED)
    ]  # fmt: skip


def test_every_module_has_its_test() -> None:
    known = set(tracked())
    missing = [
        name for name in modules()
        if Path(name).name not in {"__init__.py", "__main__.py"}
        and f"tests/unit/{Path(name).parent}/test_{Path(name).name}" not in known
        and name not in TESTED_ELSEWHERE
    ]  # fmt: skip
    assert not missing


def test_the_list_of_those_tested_elsewhere_is_true() -> None:
    known = set(tracked())
    assert TESTED_ELSEWHERE.keys() <= set(modules()), "a module that is no more"
    assert set(TESTED_ELSEWHERE.values()) <= known, "a test that is no more"
    assert not [
        name for name in TESTED_ELSEWHERE if f"tests/unit/{Path(name).parent}/test_{Path(name).name}" in known
    ], "it has its test now: take it off the list"


@pytest.mark.parametrize("name", modules())
def test_functions_and_modules_stay_within_their_limits(name: str) -> None:
    source = (ROOT / name).read_text()
    assert source.count("\n") <= LONGEST_MODULE
    functions = (one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    lengths = {one.name: (one.end_lineno or one.lineno) - one.lineno + 1 for one in functions}
    assert not {function: lines for function, lines in lengths.items() if lines > LONGEST_FUNCTION}


def test_nothing_is_named_for_having_no_name() -> None:
    assert not [name for name in tracked() if Path(name).name in FORBIDDEN_NAMES]


def test_only_the_doors_read_the_environment() -> None:
    readers = {name for name in modules() if re.search(r"os\.(environ|getenv)", (ROOT / name).read_text())}
    assert readers <= READS_ENVIRONMENT


def test_no_tracked_file_names_a_registry_or_somebodys_home() -> None:
    """The user's own index is used; the lock file holds hashes, no addresses."""
    found = [
        f"{name}:{number}"
        for name in tracked() if name != THIS and (ROOT / name).stat().st_size < 2**20
        for number, line in enumerate((ROOT / name).read_text(errors="ignore").splitlines(), 1)
        if FOREIGN.search(line)
    ]  # fmt: skip
    assert not found
