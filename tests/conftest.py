"""Fixtures that more than one kind of test shares."""

from collections.abc import AsyncIterator

import pytest

from ciranda.server import Server
from sfu.config import Settings


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A whole server on free loopback ports, in this process."""
    async with Server(Settings(http_port=0, media_port=0)) as running:
        yield running
