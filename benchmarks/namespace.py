"""A network of this process' own: an address that is no loopback address, and nobody else on it. Linux, needs root."""

import ctypes
import os
import shutil
import subprocess

from benchmarks.target import TargetError

ADDRESS = "192.0.2.1"
"""RFC 5737: for documentation, so never anybody's."""

_CLONE_NEWNET = 0x40000000


def enter() -> str:
    """From now on this thread, and what it starts, is in a new network namespace; gives its address. There is no way back.

    `TargetError` says what is missing.
    """
    ip = shutil.which("ip")
    if ip is None:
        raise TargetError("a network namespace needs the command ip: apt-get install iproute2")
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise TargetError(f"a network namespace of its own cannot be made ({reason}): run this as root")
    for command in (
        "link set lo up",
        # Any interface that is not loopback will do; two ends of a cable are there where dummy ones are not.
        "link add bench0 type veth peer name bench1",
        f"address add {ADDRESS}/24 dev bench0",
        "link set bench0 up",
        "link set bench1 up",
    ):
        done = subprocess.run([ip, *command.split()], capture_output=True, text=True, check=False)
        if done.returncode:
            raise TargetError(f"ip {command}: {done.stderr.strip()}")
    return ADDRESS
