"""Firefox ESR without a driver: a profile, a page that runs itself, and reports posted to the page server."""

import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import tempfile
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ifaddr

from tests.harness.page_server import PageServer

EXECUTABLE = "firefox-esr"
STOP_TIMEOUT_S = 10.0

PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    # Nothing that calls home or asks questions.
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
}


def own_address() -> str | None:
    """An IPv4 address of this machine that is not loopback's: Firefox never pairs with a candidate on 127.0.0.1.

    Packets to it stay in the machine. None where there is no other interface.
    """
    addresses = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    return next((str(each) for each in addresses if not ipaddress.ip_address(str(each)).is_loopback), None)


@contextlib.asynccontextmanager
async def unattended(
    pages: PageServer, name: str, *, publish: str = "", watch: str = "", options: dict[str, Any] | None = None
) -> AsyncIterator[None]:
    """Firefox with one page that publishes to and watches these URLs, and reports as `name`. Ended with the block."""
    query = {"name": name, "options": json.dumps(options or {})}
    if publish:
        query["publish"] = publish
    if watch:
        query["watch"] = watch
    address = f"{pages.url}/unattended.html?{urllib.parse.urlencode(query)}"
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in PREFERENCES.items())
        (Path(profile) / "user.js").write_text("".join(lines), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(EXECUTABLE, "--headless", "--no-remote", "--profile", profile, address),
            env=os.environ | {"MOZ_CRASHREPORTER_DISABLE": "1", "HOME": profile},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """The session that we started it in holds its content processes too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
