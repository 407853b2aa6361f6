"""services/ingest/confined/fork_server.py: what its children leave behind. The rest is in decoders/test_making.py."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from services.ingest.messages.fork_server import Exited, Fork, Forked, pack, unpack_report

SCRIPT = """
import os, socket, sys, time
from services.ingest.confined import fork_server

def serve(connection, spare):
    if os.fork():
        connection.recv(1)  # then the child ends, and leaves one behind
    else:
        connection.send(os.getpid().to_bytes(4, "little"))
        time.sleep(0.3)

fork_server.ORPHANS_SECONDS = 0.1
fork_server.ForkServer(socket.socket(fileno=int(sys.argv[1])), serve).run()
"""


def test_what_a_child_leaves_behind_is_buried() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child, its_end = socket.socketpair()
    for end in (ours, child):
        end.settimeout(10)
    command = [sys.executable, "-c", SCRIPT, str(theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()]) as server, ours, child:
        theirs.close()
        socket.send_fds(ours, [pack(Fork(1, spare=False))], [its_end.fileno()])
        its_end.close()
        message, [pidfd], _, _ = socket.recv_fds(ours, 4096, 1)
        os.close(pidfd)
        assert isinstance(unpack_report(message), Forked)
        left_behind = Path("/proc", str(int.from_bytes(child.recv(4), "little")))
        child.send(b"x")
        assert isinstance(unpack_report(ours.recv(4096)), Exited)
        assert f"PPid:\t{server.pid}\n" in (left_behind / "status").read_text()
        deadline = time.monotonic() + 10
        while left_behind.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        ours.close()
        assert server.wait(10) == 0
