"""The last flight of a DTLS handshake, and when it is sent again (RFC 6347, section 4.2.4): pure, `now` in seconds.

OpenSSL waits a second before it repeats a flight, and takes no notice of a client that repeats its own because ours was
lost. In a call that second is silence, so both are done here, with the datagrams as they were: what the client has already
is a replay to it, what it lacks fits. What may go out is bounded whatever comes in.
"""

FIRST_REPEAT_S = 0.1
"""Several round trips of a usable call; libwebrtc's clients begin with 50 ms."""
LAST_REPEAT_S = 1.6
"""Waiting times double up to this."""
LEAST_GAP_S = 0.02
"""Between two repeats that the client's own repeats ask for: one flight of theirs is several datagrams."""
MAX_REPEATS = 16
"""In all; a flight is 1 kB or less, and the whole handshake has some ten seconds."""
MAX_LAST_REPEATS = 3
"""Of the flight that ends the handshake. The client would ask for it with its own once more, after a wait that has doubled
several times by then; not every client has data to send that shows that it arrived."""

HANDSHAKE, CLIENT_HELLO = 22, 1
TYPE_AT = 13
"""Of the handshake message, after the header of its record."""


class Flight:
    """Of one association."""

    __slots__ = ("_datagrams", "_left", "_sent_at", "_wait_s")

    def __init__(self) -> None:
        self._datagrams: list[bytes] = []
        self._sent_at = 0.0
        self._wait_s = FIRST_REPEAT_S
        self._left = MAX_REPEATS

    def sent(self, datagrams: list[bytes], now: float, *, most: int = MAX_REPEATS) -> None:
        """What goes out at one time is a flight; before the client has answered, it is the same one, made anew."""
        if not self._datagrams:
            self._wait_s = FIRST_REPEAT_S
        self._datagrams = datagrams
        self._left = min(self._left, most)
        self._sent_at = now

    def done(self) -> None:
        """Nothing is sent again."""
        self._datagrams = []

    def next_time(self) -> float | None:
        """When `due` has something."""
        if not self._datagrams or not self._left:
            return None
        return self._sent_at + self._wait_s

    def due(self, now: float) -> list[bytes]:
        """The flight, if it is time to send it again; the next time is twice as far away."""
        when = self.next_time()
        if when is None or now < when:
            return []
        self._wait_s = min(2 * self._wait_s, LAST_REPEAT_S)
        return self._repeat(now)

    def heard(self, datagram: bytes, now: float) -> list[bytes]:
        """A datagram of the client's: its ClientHello once more asks for the flight, what follows on the flight ends it."""
        if not self._datagrams:
            return []
        if not _is_hello(datagram):
            self.done()
            return []
        if self.next_time() is None or now < self._sent_at + LEAST_GAP_S:
            return []
        return self._repeat(now)

    def _repeat(self, now: float) -> list[bytes]:
        self._left -= 1
        self._sent_at = now
        return self._datagrams


def _is_hello(datagram: bytes) -> bool:
    """Whether it begins with a ClientHello, or a fragment of one, in the clear (RFC 6347, sections 4.1 and 4.2.2)."""
    return len(datagram) > TYPE_AT and datagram[0] == HANDSHAKE and datagram[TYPE_AT] == CLIENT_HELLO
