"""Networks of one laptop that has a browser: Wi-Fi and mobile, or one behind a firewall that lets little through.

Made of network namespaces and veth pairs between them, removed with everything in them. Owns no process: `browser` says how one is
started there. Each run has addresses of its own, so that several on one machine do not take each other's packets.
"""

import abc
import asyncio
import contextlib
import ctypes
import ipaddress
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

SUDO = () if os.geteuid() == 0 else ("sudo", "-n")
TESTING = ipaddress.ip_network("198.18.0.0/15")
"""RFC 2544, section 12: addresses that no real network has."""
CLONE_NEWNET = 0x40000000
"""linux/sched.h"""
BLOCK = 16
"""Addresses for each process: the server's, then four for each cable."""


def address(cable: int, end: int) -> str:
    """Of this process' cable (1 to 3; 0: the server's network) at this end (1 is nearer to the server)."""
    number = os.getpid() % (TESTING.num_addresses // BLOCK)
    return str(TESTING[number * BLOCK + 4 * cable + end])


async def run(*command: str) -> None:
    """`RuntimeError` with what it said when it fails."""
    process = await asyncio.create_subprocess_exec(
        *SUDO, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said.decode().strip()}")


class Namespace:
    """Named after this process and `role`."""

    def __init__(self, role: str) -> None:
        self.name = f"ciranda{os.getpid()}{role}"

    async def make(self) -> None:
        await run("ip", "netns", "add", self.name)
        await self.run("ip", "link", "set", "lo", "up")
        # An address that an interface gets a second or two later (IPv6, duplicate address detection) is a change of network to
        # Chromium: it gives up what it is loading.
        await self.run("sh", "-c", "! cd /proc/sys/net/ipv6/conf/default || echo 0 > accept_dad")

    async def remove(self) -> None:
        await _remove("netns", self.name)

    async def run(self, *command: str) -> None:
        await run("ip", "netns", "exec", self.name, *command)

    def browser(self, executable: str, directory: Path) -> str:
        """A program in this directory that starts the browser here."""
        script = directory / "browser"
        script.write_text(f'#!/bin/sh\nexec {" ".join(SUDO)} ip netns exec {self.name} {executable} "$@"\n')
        script.chmod(0o755)
        return str(script)


async def _remove(what: str, name: str) -> None:
    try:
        await run("ip", what, "delete", name)
    except RuntimeError as error:
        if "Cannot find device" not in str(error) and "No such file" not in str(error):
            raise


class _Laptop(abc.ABC):
    """What both kinds share: the cables that end in this machine's own namespace, and the server's address there."""

    SERVER = address(0, 1)

    def __init__(self, *cables: str) -> None:
        self.laptop = Namespace("")
        self._cables = [f"c{cable}{os.getpid()}" for cable in cables]

    async def __aenter__(self) -> Self:
        try:
            await self._make()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in self._cables:
            await _remove("link", name)
        await self.laptop.remove()

    @abc.abstractmethod
    async def _make(self) -> None:
        """Everything; what is there when it fails is removed."""

    async def _cable(self, number: int, to: Namespace) -> None:
        """From this machine; the other end is not up yet."""
        name = self._cables[number - 1]
        await run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}l", "netns", to.name)
        await run("ip", "address", "add", f"{address(number, 1)}/30", "dev", name)
        if number == 1:
            await run("ip", "address", "add", f"{self.SERVER}/32", "dev", name)
        await run("ip", "link", "set", name, "up")

    async def _plug_in(self, namespace: Namespace, number: int, interface: str) -> None:
        """This cable's other end is up and leads everywhere."""
        await namespace.run("ip", "address", "add", f"{address(number, 2)}/30", "dev", interface)
        await namespace.run("ip", "link", "set", interface, "up")
        await namespace.run("ip", "route", "add", "default", "via", address(number, 1))


class TwoNetworks(_Laptop):
    """`async with TwoNetworks() as network`: a server on `SERVER` is reached over the first one, until `change`."""

    def __init__(self) -> None:
        super().__init__("w", "m")
        self._present = 1

    async def _make(self) -> None:
        await self.laptop.make()
        for number in (1, 2):
            await self._cable(number, self.laptop)
        await self._up()

    async def change(self) -> None:
        """The network of now is gone with its address, and the other one is there."""
        name = self._interface
        await self.laptop.run("ip", "address", "flush", "dev", name)
        await self.laptop.run("ip", "link", "set", name, "down")
        self._present = 3 - self._present
        await self._up()

    @property
    def _interface(self) -> str:
        return f"{self._cables[self._present - 1]}l"

    async def _up(self) -> None:
        await self._plug_in(self.laptop, self._present, self._interface)


class _Firewall(_Laptop):
    """Between `SERVER` and the laptop is a router that drops some of what it should pass on, without a word."""

    def __init__(self) -> None:
        super().__init__("f")
        self._router = Namespace("f")

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        await self._router.remove()

    async def drop(self, *what: str) -> None:
        """But for what is let through, and what the router says itself. `what`: a selector of ip-rule(8), by default everything."""
        await self._router.run("ip", "rule", "add", "pref", "2", *what, "blackhole")

    async def _make(self) -> None:
        outside, inside = 1, 2
        await self._router.make()
        await self.laptop.make()
        await self._router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        await self._cable(outside, self._router)
        await self._plug_in(self._router, outside, f"{self._cables[0]}l")
        await run("ip", "route", "add", f"{address(inside, 0)}/30", "via", address(outside, 2))
        await self._router.run(
            "ip", "link", "add", "in", "type", "veth", "peer", "name", "out", "netns", self.laptop.name
        )
        await self._router.run("ip", "address", "add", f"{address(inside, 1)}/30", "dev", "in")
        await self._router.run("ip", "link", "set", "in", "up")
        await self._plug_in(self.laptop, inside, "out")


class SlowCard(_Laptop):
    """`async with SlowCard() as card`: a server on `SERVER` reaches the laptop over a network card, which `congested` makes slow.

    Only root may use it: `socket` goes into the laptop's namespace.
    """

    BITS_A_SECOND, QUEUE_BYTES = 100_000, 256 << 20

    def __init__(self) -> None:
        super().__init__("s")

    async def _make(self) -> None:
        await self.laptop.make()
        await self._cable(1, self.laptop)
        await self._plug_in(self.laptop, 1, f"{self._cables[0]}l")

    @contextlib.asynccontextmanager
    async def congested(self) -> AsyncIterator[None]:
        """The card sends next to nothing, and its queue takes more than any socket's buffer."""
        shape = f"tbf rate {self.BITS_A_SECOND}bit burst 10kb limit {self.QUEUE_BYTES}"
        await run("tc", "qdisc", "add", "dev", self._cables[0], "root", *shape.split())
        try:
            yield
        finally:
            await run("tc", "qdisc", "delete", "dev", self._cables[0], "root")

    def socket(self) -> socket.socket:
        """For UDP, on the laptop, bound to its address."""
        made: list[socket.socket] = []

        def make() -> None:  # a thread is in a namespace, and this one ends at once
            with open(f"/run/netns/{self.laptop.name}") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        made[0].bind((address(1, 2), 0))
        made[0].setblocking(False)
        return made[0]


class WithoutUdp(_Firewall):
    """`async with WithoutUdp() as network`: all UDP is dropped."""

    async def _make(self) -> None:
        await super()._make()
        await self.drop("ipproto", "udp")


class OnlyTcp(_Firewall):
    """`async with OnlyTcp() as network`: everything is dropped but TCP connections to the ports that `let_through` names."""

    async def _make(self) -> None:
        await super()._make()
        await self.drop()

    async def let_through(self, port: int) -> None:
        for end in ("dport", "sport"):
            await self._router.run("ip", "rule", "add", "pref", "1", "ipproto", "tcp", end, str(port), "lookup", "main")


def permitted() -> bool:
    """Whether this user may make network namespaces, and interfaces between them."""
    name, interface = f"ciranda{os.getpid()}p", f"cp{os.getpid()}"
    commands = (
        ("netns", "add", name),
        ("link", "add", interface, "type", "veth", "peer", "name", f"{interface}l"),
        ("link", "delete", interface),
        ("netns", "delete", name),
    )
    try:
        done = [subprocess.run([*SUDO, "ip", *command], capture_output=True, check=False) for command in commands]
    except OSError:
        return False
    return all(one.returncode == 0 for one in done)
