"""Takes rights away from the process that reads hostile media. Linux; what the kernel refuses is said, not hidden."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
import signal
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.ingest.limits import IngestLimits

_PR_SET_DUMPABLE = 4  # include/uapi/linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38  # include/uapi/linux/prctl.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # include/uapi/linux/sched.h
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1  # include/uapi/linux/sockios.h, if.h
_INTERFACE = struct.Struct("16sH22x")
"""struct ifreq: name and flags."""
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2  # include/uapi/linux/prctl.h, seccomp.h
_FILTER = struct.Struct("HBBI")
"""struct sock_filter of include/uapi/linux/filter.h: code, jump if true, jump if false, k."""
_SECCOMP_SET_MODE_FILTER, _SPEC_ALLOW = 1, 4  # include/uapi/linux/seccomp.h; the second: at full speed, on any kernel
_MACHINES = {"x86_64": (0xC000003E, 41, 317), "aarch64": (0xC00000B7, 198, 277)}
"""By machine: AUDIT_ARCH_* (include/uapi/linux/audit.h), and the numbers of socket(2) and seccomp(2) (asm/unistd.h)."""
_IO_URING_SETUP, _X32_BIT = 425, 0x40000000  # asm-generic/unistd.h, x86/include/uapi/asm/unistd.h
_MOST_FILES = 64
_NO_NETWORK = "none: "


def leave_network() -> str:
    """Move this process, and those it forks, into a network namespace of its own, with no interface that is up.

    Call it before a second thread exists. Returns what was reached, in words for a log.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not libc.unshare(_CLONE_NEWNET):
        return f"{_NO_NETWORK}own network namespace"
    if not libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        return f"{_NO_NETWORK}own user and network namespace"
    return f"reachable: the kernel refuses a network namespace ({os.strerror(ctypes.get_errno())})"


def is_left(network: str) -> bool:
    """Whether what `leave_network` returned says that no network can be reached."""
    return network.startswith(_NO_NETWORK)


def refuse_sockets() -> bool:
    """Have the kernel refuse this process, for ever, to make a socket; a pair of its own (socketpair) it may make.

    For where no network namespace can be had, as in containers. Call it before a second thread exists, and after rights
    by exec were given up (`die_with`). Answers whether it is so: not on machines whose numbers are not known here.
    """
    instructions = _no_sockets()
    if not instructions:
        return False
    filters = ctypes.create_string_buffer(instructions)
    program = struct.pack("HxxxxxxP", len(instructions) // _FILTER.size, ctypes.addressof(filters))
    number = _MACHINES[platform.machine()][2]
    return not ctypes.CDLL(None, use_errno=True).syscall(number, _SECCOMP_SET_MODE_FILTER, _SPEC_ALLOW, program)


def can_refuse_sockets() -> bool:
    """Whether `refuse_sockets` will, without doing it: a kernel that knows filters misses the one not given."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, None, 0, 0)
    return bool(_no_sockets()) and ctypes.get_errno() == errno.EFAULT


def _no_sockets() -> bytes:
    """The filter as the kernel's struct sock_filter, see seccomp(2); empty for an unknown machine."""
    arch, socket_number, _ = _MACHINES.get(platform.machine(), (0, 0, 0))
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EACCES  # SECCOMP_RET_*
    lines = (
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 1, 0, arch),
        (answer, 0, 0, kill),  # numbers of another architecture mean other calls
        (load, 0, 0, 0),  # seccomp_data.nr
        (at_least, 3, 0, _X32_BIT),
        (equal, 2, 0, socket_number),
        (equal, 1, 0, _IO_URING_SETUP),  # which makes sockets, too
        (answer, 0, 0, allow),
        (answer, 0, 0, refuse),
    )
    return b"".join(_FILTER.pack(*line) for line in lines) if arch else b""


def own_loopback() -> None:
    """Move this process into a network namespace with a loopback interface that nobody else sees.

    Raises OSError where the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _INTERFACE.pack(b"lo", 0))
        _, flags = _INTERFACE.unpack(answer)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _INTERFACE.pack(b"lo", flags | _IFF_UP))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, its parent, dies; and give up gaining rights by exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it died before the kernel knew


def keep_to_itself() -> None:
    """Have no other process of this user read what this one was told and holds (/proc/PID/environ, mem; ptrace).

    A decoder that a hostile file has taken over is such a process where the kernel gives it no user namespace. What
    this process starts anew is not concerned.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def adopt_orphans() -> None:
    """Have the kernel make this process the parent of what its children leave behind when they die."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bound(limits: IngestLimits) -> None:
    """Bound memory (on top of what is mapped now) and files; be the first for the kernel's out-of-memory killer."""
    mapped = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    most = mapped + limits.decoder_memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))
    Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def bound_time(limits: IngestLimits) -> None:
    """Bound processor time. Not of a live stream, which may last for ever: who is silent for long is ended there."""
    resource.setrlimit(resource.RLIMIT_CPU, (limits.decoder_cpu_seconds, limits.decoder_cpu_seconds + 1))


def bound_files(most_written_bytes: int) -> None:
    """Bound the bytes written to any one file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_written_bytes, most_written_bytes))
