"""A real Prometheus on loopback, with the scrape configuration of `deploy/` and the rules of `metrics/`, made impatient.

What differs from the deployed one: the target, plain HTTP, and times: alerts wait a second instead of minutes and, where a test
says so, look back for seconds.
"""

import asyncio
import contextlib
import re
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml
import yarl

from tests.harness.stats import eventually

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy" / "prometheus.yml"
RULES = ROOT / "metrics" / "alerts.yml"
INTERVAL = "200ms"
FOR = "1s"
START_S = 20.0


class Prometheus:
    """One that runs; asks its HTTP API."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def api(self, path: str, **query: str) -> Any:
        """`data` of an answer; `AssertionError` with what Prometheus says is wrong."""
        async with self._http.get(yarl.URL(f"{self._url}/api/v1/{path}").with_query(query)) as response:
            answer = await response.json()
        assert answer["status"] == "success", answer
        return answer["data"]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector that it gives now."""
        found: list[dict[str, Any]] = (await self.api("query", query=expression))["result"]
        return found

    async def value(self, expression: str) -> float | None:
        """Of the only series there; `None` where there is none yet."""
        found = await self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    async def firing(self) -> set[str]:
        """Names of alerts."""
        alerts = (await self.api("alerts"))["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    async def fired(self, seconds: int) -> set[str]:
        """Names of alerts that fired at any moment of the last seconds."""
        found = await self.query(f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{seconds}s]))')
        return {series["metric"]["alertname"] for series in found}

    async def fires(self, name: str, *, within_s: float = 15.0) -> None:
        """Wait until this alert fires."""

        async def is_firing() -> bool:
            return name in await self.firing()

        await eventually(is_firing, within_s=within_s, what=f"{name} fires")


@contextlib.asynccontextmanager
async def prometheus(
    folder: Path, target: str, *, window: str | None = None, interval: str = INTERVAL
) -> AsyncIterator[Prometheus]:
    """Scrapes `target` (`http://host:port`) every `interval`. `folder` takes its configuration, data and log. `window`: what takes
    the place of every range in the rules' expressions.
    """
    configuration = _configuration(folder, target, window, interval)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program("prometheus"),
            *(f"--config.file={configuration}", f"--storage.tsdb.path={folder}/data"),
            *(f"--web.listen-address={address}", "--log.level=warn"),
            stdout=output,
            stderr=output,
        )
    try:
        async with aiohttp.ClientSession() as http:

            async def ready() -> bool:
                assert process.returncode is None, log.read_text()[-2_000:]
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with http.get(f"http://{address}/-/ready") as response:
                        return response.status == 200
                return False

            await eventually(ready, within_s=START_S, what="Prometheus is ready")
            yield Prometheus(f"http://{address}", http)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def promtool(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and everything that it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(program("promtool"), *map(str, arguments)), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def program(name: str) -> str:
    """Where it is."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: scripts/setup does that"
    return found


def _configuration(folder: Path, target: str, window: str | None, interval: str) -> Path:
    rules = folder / "alerts.yml"
    text, count = re.subn(r"^( +for:) \d+m$", rf"\1 {FOR}", RULES.read_text(), flags=re.MULTILINE)
    assert count == text.count("- alert: ")
    if window is not None:
        text = re.sub(r"\[\d+m\]", f"[{window}]", text)
    rules.write_text(text)
    deployed = yaml.safe_load(CONFIGURATION.read_text())
    deployed["global"] = {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
    deployed["rule_files"] = [str(rules)]
    (job,) = deployed["scrape_configs"]
    url = yarl.URL(target)
    job.pop("tls_config")
    job["scheme"] = url.scheme
    job["static_configs"] = [{"targets": [url.authority]}]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(deployed))
    return file
