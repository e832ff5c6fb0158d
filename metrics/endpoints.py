"""`GET /metrics`, `/healthz` and `/readyz`: three answers without state of their own."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from metrics.collector import NodeCollector
from metrics.doors import DoorCounts
from metrics.sampler import Sampler
from sfu.node import Node


class Endpoints:
    """`ready` says whether the server takes newcomers, `doors` what its front doors have counted."""

    def __init__(self, node: Node, ready: Callable[[], bool], doors: Callable[[], DoorCounts]) -> None:
        self.sampler = Sampler(lambda: [port.engine.counters() for port in node.ports])
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(NodeCollector(node, self.sampler, doors))
        ProcessCollector(registry=self._registry)
        self._ready = ready

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/metrics", self.metrics)
        router.add_get("/healthz", self.healthz)
        router.add_get("/readyz", self.readyz)

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus' text or OpenMetrics, as the scraper likes."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def healthz(self, request: web.Request) -> web.Response:
        """Alive: the loop answers, and its background task runs."""
        if not self.sampler.alive:
            return web.json_response({"status": "failing"}, status=503)
        return web.json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        """Accepting: neither starting nor closing."""
        if not self._ready():
            return web.json_response({"status": "closing"}, status=503)
        return web.json_response({"status": "ready"})
