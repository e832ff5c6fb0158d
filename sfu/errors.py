"""Errors that cross module borders. Their type says who is to blame.

`RemoteError`: the peer sent something wrong or asked for something it may not have. It is answered with `code` and
`message` and harms nobody else. `LocalError`: our own misuse of an interface; it is raised loudly and never caught.
"""


class LocalError(Exception):
    """Ciranda's own code broke a contract."""


class RemoteError(Exception):
    """The peer is at fault.

    `code` is one of the machine-readable codes of PROTOCOL.md (lower-case words joined by `_`),
    `message` says in one sentence what happened and what to do.
    """

    code = "bad_request"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class ProtocolError(RemoteError):
    """Malformed bytes or text from the network."""

    code = "malformed"


class SdpError(ProtocolError):
    """A session description that cannot be used; `line` is its 1-based line number, 0 where none applies."""

    code = "bad_sdp"

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class LimitError(RemoteError):
    """A configured limit was reached (rooms, participants, tracks, joins a second)."""

    code = "limit_reached"


class PermissionDeniedError(RemoteError):
    """The token does not allow this."""

    code = "permission_denied"
