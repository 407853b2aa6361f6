"""services/ingest/confinement.py: what only a process of its own can show. The rest is in decoders/test_making.py."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from services.ingest import confinement

SCRIPT = """
import socket, sys
from services.ingest import confinement

said = confinement.leave_network()
print(said, flush=True)
if confinement.is_left(said):
    before = socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1])))
    confinement.own_loopback()
    after = socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1])))
    with socket.create_server(("127.0.0.1", 0)) as own:
        inside = socket.socket().connect_ex(own.getsockname())
    print(before != 0, after != 0, inside == 0, socket.socket().connect_ex(("192.0.2.1", 80)) != 0)
"""


SOCKETLESS = """
import os, socket, subprocess, sys
from services.ingest import confinement

confinement.die_with(os.getppid())
print(confinement.can_refuse_sockets(), socket.socket() is not None)
print(confinement.refuse_sockets())
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    try:
        socket.socket(family, socket.SOCK_DGRAM)
    except PermissionError:
        print("refused")
one, other = socket.socketpair()
one.send(b"own pair")
print(other.recv(8).decode(), subprocess.run([sys.executable, "-c", "import socket; socket.socket()"],
                                             stderr=subprocess.DEVNULL).returncode)
"""


KEPT = """
import ctypes, os, subprocess, sys
from services.ingest import confinement

dumpable = ctypes.CDLL(None).prctl
confinement.keep_to_itself()
print(dumpable(3, 0, 0, 0, 0), len(os.listdir("/proc/self/fd")) > 2, open("/proc/self/statm").read() != "")
child = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout.strip())
"""


def test_a_process_that_keeps_to_itself_still_sees_itself_and_starts_usual_ones() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True", "True", "1"]


def test_sockets_are_refused_for_ever_and_a_pair_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", SOCKETLESS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True True", "True", *["refused"] * 4, "own pair 1"]


def test_a_loopback_of_its_own_leads_to_this_process_and_nowhere_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = str(outside.getsockname()[1])
        done = subprocess.run([sys.executable, "-c", SCRIPT, port], capture_output=True, text=True, check=True)
    said, _, told = done.stdout.partition("\n")
    if not confinement.is_left(said):
        pytest.skip(f"This kernel gives no network namespace: {said}")
    assert told.split() == ["True"] * 4


def test_a_network_that_can_be_reached_is_not_taken_for_none() -> None:
    assert not confinement.is_left("reachable: the kernel refuses a network namespace (Operation not permitted)")
    assert not confinement.is_left("")
