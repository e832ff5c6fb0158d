"""Fixtures that more than one kind of test shares."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from ciranda.server import Server
from sfu.config import Settings

# A deadline for single examples measures the machine's other tenants.
settings.register_profile("ciranda", deadline=None)
settings.load_profile("ciranda")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A whole server on free loopback ports, in this process."""
    async with Server(Settings(http_port=0, media_port=0)) as running:
        yield running
