"""The deployment's files fit together: what one refers to is there, in the others and in the server's settings.

Docker itself runs in no test; coturn's and Prometheus' parts are run by the tests named after them.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from sfu.config import Settings
from tests.harness.prometheus import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")
EXAMPLE = dict(
    line.split("=", 1) for line in (DEPLOY / "env.example").read_text().splitlines() if not line.startswith("#")
)


def mounts(service: str) -> dict[str, str]:
    """Path in the container → path here or name of a volume."""
    found = {}
    for volume in SERVICES[service].get("volumes", ()):
        source, target = VARIABLE.sub(lambda match: f"${match[1]}", volume).removesuffix(":ro").split(":")
        found[target] = source
    return found


def test_every_file_is_there() -> None:
    sources = {source for service in SERVICES for source in mounts(service).values()}
    files = {source for source in sources if source.startswith(".")}
    assert len(files) >= 5
    for file in files:
        assert (DEPLOY / file).is_file(), file
    assert sources - files - {"$TLS_DIR"} == set(COMPOSE["volumes"])
    assert (DEPLOY / SERVICES["ciranda"]["build"] / "Dockerfile").is_file()


def test_every_name_is_there() -> None:
    for name, service in SERVICES.items():
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        assert {config["source"] for config in service.get("configs", ())} <= set(COMPOSE["configs"]), name
        if "build" not in service:
            assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"]), "an image is pinned"


def test_every_variable_is_in_the_example_and_the_other_way_round() -> None:
    assert {match[1] for match in VARIABLE.finditer((DEPLOY / "compose.yml").read_text())} == set(EXAMPLE)


def test_the_server_takes_its_settings(tmp_path: Path) -> None:
    environment: dict[str, str] = SERVICES["ciranda"]["environment"]
    values = {
        name.removeprefix("CIRANDA_").lower(): VARIABLE.sub(lambda match: EXAMPLE[match[1]], value)
        for name, value in environment.items()
    }
    image = (ROOT / "Dockerfile").read_text()
    for name in ("tls_cert", "tls_key"):
        assert values[name].startswith("/tls/")
        here = tmp_path / values[name].removeprefix("/tls/")  # where there is a container, it is mounted
        here.touch()
        values[name] = str(here)
    settings = Settings(http_host="0.0.0.0", **values)  # type: ignore[arg-type]  # text, as the environment has it
    assert "CIRANDA_HTTP_HOST=0.0.0.0" in image
    inside = SERVICES["ciranda"]["networks"]["inside"]["ipv4_address"]
    assert settings.advertise_ip == (EXAMPLE["PUBLIC_IP"], inside)
    assert len(settings.turn_server) == 3
    ports = " ".join(SERVICES["ciranda"]["ports"])
    media = f"{settings.media_port}:{settings.media_port}"
    for port in (f":{settings.http_port}/tcp", f"{media}/udp", f"{media}/tcp"):
        assert port in ports
    assert mounts("ciranda")["/tls"] == mounts("coturn")["/tls"] == "$TLS_DIR"


def test_coturn_listens_where_clients_are_sent_and_relays_to_the_server() -> None:
    lines = COMPOSE["configs"]["coturn"]["content"].splitlines()
    options = dict(line.partition("=")[::2] for line in lines)
    urls = SERVICES["ciranda"]["environment"]["CIRANDA_TURN_SERVER"]
    published = " ".join(SERVICES["coturn"]["ports"])
    for scheme, option in (("turn", "listening-port"), ("turns", "tls-listening-port")):
        assert re.search(rf"\b{scheme}:\$\{{DOMAIN\}}:{options[option]}\?", urls)
        assert f"{options[option]}:{options[option]}/tcp" in published
    assert options["allowed-peer-ip"] == SERVICES["ciranda"]["networks"]["inside"]["ipv4_address"]
    assert "denied-peer-ip=0.0.0.0-255.255.255.255" in lines
    assert (
        options["static-auth-secret"]
        == SERVICES["ciranda"]["environment"]["CIRANDA_TURN_SECRET"].partition(":")[0] + "}"
    )


def test_prometheus_finds_the_server_and_the_rules() -> None:
    configuration = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    inside = mounts("prometheus")
    assert set(configuration["rule_files"]) <= set(inside)
    (job,) = configuration["scrape_configs"]
    assert f'up{{job="{job["job_name"]}"}}' in (ROOT / "metrics" / "alerts.yml").read_text()
    assert job["static_configs"] == [{"targets": [f"ciranda:{Settings().http_port}"]}]
    assert "/etc/prometheus/prometheus.yml" in inside


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    inside = mounts("grafana")
    (source,) = yaml.safe_load((DEPLOY / "grafana" / "datasource.yml").read_text())["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((DEPLOY / "grafana" / "dashboards.yml").read_text())["providers"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(provider["options"]["path"] + "/")
    assert (DEPLOY / inside[home]).resolve().parent == ROOT / "metrics"
    dashboard = json.loads((DEPLOY / inside[home]).read_text())
    assert all(panel["datasource"]["type"] == source["type"] for panel in dashboard["panels"])
