"""The web application: every route in one place, around one media node. It opens no socket; whoever runs it does."""

from aiohttp import web

from sfu.node import Node
from signaling.api import openapi
from signaling.context import CONTEXT, Context
from signaling.files import Files
from signaling.middleware import add_headers, requests
from signaling.pages import Pages
from signaling.websocket import websocket
from signaling.whep import Whep
from signaling.whip import Whip

BODY_SLACK_BYTES = 1_024
"""Bodies are limited by their readers; this lets them say so instead of the framework."""


def create_app(node: Node) -> web.Application:
    """An application for this node. Routes may be added before it runs (metrics)."""
    context = Context(node, node.settings)
    app = web.Application(middlewares=[requests], client_max_size=node.settings.max_sdp_bytes + BODY_SLACK_BYTES)
    app[CONTEXT] = context
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/ws/{room}", websocket, allow_head=False)
    Whip(context).add_routes(app.router)
    Whep(context).add_routes(app.router)
    Files(context).add_routes(app)
    openapi.serve(app.router)
    return app


def add_pages(app: web.Application) -> None:
    """The page takes every path that is left, so it comes last."""
    Pages().add_routes(app.router)
