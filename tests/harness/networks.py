"""Two networks of one laptop, Wi-Fi and mobile: a network namespace for its browser with an interface for each.

Made of veth pairs, removed with everything in it. Owns no process: what shall live there is started with `prefix`.
"""

import asyncio
import os
import stat
import subprocess
from pathlib import Path
from typing import Self

SUDO = () if os.geteuid() == 0 else ("sudo", "-n")
SERVER = "198.18.0.1"
"""RFC 2544, section 12: addresses that no real network has."""


async def run(*command: str) -> None:
    """`RuntimeError` with what it said when it fails."""
    process = await asyncio.create_subprocess_exec(
        *SUDO, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said.decode().strip()}")


class TwoNetworks:
    """`async with TwoNetworks() as laptop`: a server on `SERVER` is reached from it over the first one, until `change`."""

    def __init__(self) -> None:
        self._name = f"ciranda{os.getpid()}"
        self._interfaces = (f"cw{os.getpid()}", f"cm{os.getpid()}")
        self._present = 0

    async def __aenter__(self) -> Self:
        try:
            await run("ip", "netns", "add", self._name)
            await self._within("ip", "link", "set", "lo", "up")
            for number, name in enumerate(self._interfaces):
                await run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}l")
                await run("ip", "link", "set", f"{name}l", "netns", self._name)
                await run("ip", "address", "add", f"198.18.{number + 1}.1/24", "dev", name)
                await run("ip", "link", "set", name, "up")
            await run("ip", "address", "add", f"{SERVER}/32", "dev", self._interfaces[0])
            await self._up()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for command in (*(("link", "delete", name) for name in self._interfaces), ("netns", "delete", self._name)):
            try:
                await run("ip", *command)
            except RuntimeError as error:
                if "Cannot find device" not in str(error) and "No such file" not in str(error):
                    raise

    async def change(self) -> None:
        """The network of now is gone with its address, and the other one is there."""
        name = self._interfaces[self._present]
        await self._within("ip", "address", "flush", "dev", f"{name}l")
        await self._within("ip", "link", "set", f"{name}l", "down")
        self._present = 1 - self._present
        await self._up()

    def browser(self, executable: str, directory: Path) -> str:
        """A program in this directory that starts the browser on this laptop."""
        script = directory / "browser"
        within = " ".join((*SUDO, "ip", "netns", "exec", self._name))
        script.write_text(f'#!/bin/sh\nexec {within} {executable} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    async def _up(self) -> None:
        name, network = f"{self._interfaces[self._present]}l", f"198.18.{self._present + 1}"
        await self._within("ip", "address", "add", f"{network}.2/24", "dev", name)
        await self._within("ip", "link", "set", name, "up")
        await self._within("ip", "route", "add", "default", "via", f"{network}.1")

    async def _within(self, *command: str) -> None:
        await run("ip", "netns", "exec", self._name, *command)


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
