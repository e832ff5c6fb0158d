"""What the messages of the WebSocket protocol have in common; `client_messages` and `server_messages` are the messages themselves.

PROTOCOL.md describes them for people; a test holds all of them together.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""An integer that JavaScript holds exactly."""


class Message(BaseModel):
    """Fields that are not known are ignored, so that newer clients may talk to older servers, and the other way round."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")
