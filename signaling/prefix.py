"""Where the application lies below: nothing, or the path that a program has mounted it at. Paths in answers begin with it."""

from aiohttp import web

ROOT = "root"
"""Name of the route `/`."""


def prefix_of(request: web.Request) -> str:
    """Of the application that answers: as `/meet`, without a slash at its end."""
    router = request.app.router
    return router[ROOT].canonical.rstrip("/") if ROOT in router else ""
