"""Certificates of servers in tests."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def signed_by_itself(folder: Path, name: str = "IP:127.0.0.1") -> tuple[Path, Path]:
    """Certificate and key, PEM, of a server that is reached by that name (`IP:` or `DNS:`), good for two days."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    openssl = shutil.which("openssl") or pytest.skip("There is no openssl to make a certificate with.")
    subject = ["-subj", f"/CN={name.partition(':')[2]}", "-addext", f"subjectAltName={name}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key
