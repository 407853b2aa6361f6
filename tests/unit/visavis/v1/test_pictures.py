"""The generated code of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parents[4]
FOLDER = HERE / "visavis" / "v1"


def test_the_generated_code_is_that_of_the_proto(tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc", reason="grpcio-tools is not installed")
    known = Path(protoc.__file__).parent / "_proto"
    protos = sorted(FOLDER.glob("*.proto"))
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    names = [str(proto.relative_to(HERE)) for proto in protos]
    assert protoc.main(["protoc", f"-I{HERE}", f"-I{known}", *outputs, *names]) == 0
    made = {path.name: path.read_text() for path in (tmp_path / "visavis" / "v1").iterdir()}
    assert made == {path.name: path.read_text() for path in FOLDER.glob("*_pb2*") if path.is_file()}, "run `make proto`"
    assert len(made) == 3 * len(protos)
