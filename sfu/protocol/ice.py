"""One ICE-lite agent: answers connectivity checks and knows which addresses are its client's (RFC 8445, RFC 7675).

It never sends a check, opens no socket and reads no clock: a parsed STUN request, its source and `now` go in; the bytes
of the answer and events come out. The client controls; this side follows:

* An address is *validated* by a check whose MESSAGE-INTEGRITY was made with our password.
* The first validated address is *selected*. USE-CANDIDATE moves the selection, and the latest one wins (browsers nominate
  again when they change networks). So does any check from elsewhere once the selected address has missed its own: a NAT
  may give the client another port without its knowing, and not every client nominates in the checks that renew consent.
* Every valid check renews consent for its address. An address without one for `consent_s` is dropped; when the last is
  dropped the agent has *expired*, for good. Checks that change nothing else may be answered elsewhere: `note_checks`.
* After `restart` old and new credentials are both good until the first check with the new ones.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping

from . import stun
from .ice_model import AddressDropped as AddressDropped
from .ice_model import AddressSelected as AddressSelected
from .ice_model import AddressValidated as AddressValidated
from .ice_model import Candidate as Candidate
from .ice_model import Credentials as Credentials
from .ice_model import CredentialsRetired as CredentialsRetired
from .ice_model import Expired as Expired
from .ice_model import IceEvent as IceEvent
from .ice_model import Resumed as Resumed
from .ice_model import Silent as Silent
from .ice_model import random_credentials as random_credentials
from .stun import Address, Kind, StunMessage

MAX_ADDRESSES = 8
"""Validated addresses kept for one client; the data plane holds as many."""
CONSENT_S = 30.0
"""RFC 7675, section 5.1."""
SILENCE_S = 8.0
"""Clients check every 4 to 6 s (RFC 7675, section 5.1); one lost check and some delay are not silence."""
FOLLOW_S = 4.0
"""The least time between two checks that renew consent (RFC 7675, section 5.1): a client that checks from elsewhere after as
long without one from the selected address has left that. libwebrtc checks every 2.5 s, and nominates each time."""


def _anybody_may(_: Address, __: float) -> bool:
    return True


class IceAgent:
    """`now` is any monotonic time in seconds, the same clock in every call."""

    def __init__(
        self,
        credentials: Credentials,
        now: float,
        *,
        first_check_s: float = CONSENT_S,
        consent_s: float = CONSENT_S,
        silence_s: float = SILENCE_S,
        may_have: Callable[[Address, float], bool] = _anybody_may,
    ) -> None:
        """Expires when no valid check comes within `first_check_s`. `may_have` is asked, with `now`, about an address that
        was validated for the first time: False while it is another client's (see `yield_address`).
        """
        self._accepted: dict[str, Credentials] = {credentials.ufrag: credentials}
        self._local = credentials
        self._consent_s = consent_s
        self._silence_s = silence_s
        self._may_have = may_have
        self._deadline = now + first_check_s
        self._validated: OrderedDict[Address, float] = OrderedDict()
        """Address → time of its last valid check, the longest silent first."""
        self._selected: Address | None = None
        self._heard = now
        self._silent = False
        self._expired = False
        self._events: deque[IceEvent] = deque()

    @property
    def local(self) -> Credentials:
        """What the next answer says; the newest."""
        return self._local

    @property
    def ufrags(self) -> tuple[str, ...]:
        """Every user fragment that a check may still name."""
        return tuple(self._accepted)

    @property
    def in_use(self) -> Credentials:
        """Those that a check may name without changing anything: the client's, until it uses newer ones."""
        return next(iter(self._accepted.values()))

    @property
    def selected(self) -> Address | None:
        """Where to send; None before the first valid check and after expiry."""
        return self._selected

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Every validated address, the longest silent first."""
        return tuple(self._validated)

    @property
    def expired(self) -> bool:
        return self._expired

    def restart(self, credentials: Credentials) -> None:
        """New credentials for the next answer. The ones in use stay good until a check uses the new ones."""
        self._local = credentials
        if self._expired:
            return
        _, *never_used = self._accepted
        for ufrag in never_used:
            self._retire(ufrag)
        self._accepted[credentials.ufrag] = credentials

    def receive(self, request: StunMessage, source: Address, now: float) -> tuple[bytes | None, str | None]:
        """The answer to send back to `source` (None: stay silent) and the name of what was wrong (None: a valid check).

        Events are ready before the answer is sent: take them first, so that what the client does next is let in.
        """
        if self._expired:
            return None, "ice_expired"
        if request.kind is not Kind.REQUEST or request.method != stun.BINDING:
            return None, "stun_not_a_request"
        if not request.has_fingerprint:
            return None, "stun_no_fingerprint"
        if request.username is None or request.integrity is None:
            return stun.error(request, stun.BAD_REQUEST), "stun_bad_request"
        ufrag = request.username.partition(":")[0]
        credentials = self._accepted.get(ufrag)
        if credentials is None:
            return stun.error(request, stun.UNAUTHENTICATED), "stun_unknown_ufrag"
        key = credentials.password.encode()
        if not request.authenticates(key):
            return stun.error(request, stun.UNAUTHENTICATED), "stun_bad_integrity"
        if request.unknown_required:
            return stun.error(request, stun.UNKNOWN_ATTRIBUTE, key=key), "stun_unknown_attribute"
        if request.controlled is not None:  # a lite agent never controls (RFC 8445, section 6.1.1)
            return stun.error(request, stun.ROLE_CONFLICT, key=key), "ice_role_conflict"
        if source not in self._validated and not self._may_have(source, now):
            return None, "ice_address_taken"
        self._in_use(ufrag)
        self._renew(source, now)
        if source != self._selected and (request.use_candidate or self._has_left(self._selected, now)):
            self._select(source)
        return stun.success(request, source, key=key), None

    def note_life(self, now: float) -> None:
        """Something authenticated came another way (SRTP, DTLS): no silence, but no consent either (RFC 7675)."""
        self._live(now)

    def note_checks(self, checks: Mapping[Address, float], now: float) -> None:
        """When valid checks that changed nothing were last answered in our name (by the data plane). Call it before all else."""
        for address, when in checks.items():
            if self._validated.get(address, when) < when:
                self._validated[address] = when
                self._deadline = max(self._deadline, when + self._consent_s)
                self._heard = max(self._heard, when)
        self._validated = OrderedDict(sorted(self._validated.items(), key=lambda item: item[1]))
        if now < self._heard + self._silence_s:
            self._live(self._heard)

    def yield_address(self, address: Address, now: float) -> bool:
        """Whether another client may have `address`, which it has validated too: not while ours lives there.

        A source address can be forged, and a lite agent sends no check back: without this, one client could take away
        another's address. After `silence_s` it is given up (a NAT has handed it to somebody else).
        """
        last = self._validated.get(address)
        if last is None:
            return True
        if now < last + self._silence_s:
            return False
        self.lose_address(address)
        return True

    def lose_address(self, address: Address) -> None:
        """It is the client's no longer: another has it, or the TCP connection that it was has ended.

        Consent given there still holds: the client may come back from elsewhere until it runs out.
        """
        if address not in self._validated:
            return
        self._drop(address)
        if address == self._selected:
            self._selected = None
            if self._validated:
                self._select(next(reversed(self._validated)))

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to run; None after expiry."""
        if self._expired:
            return None
        if not self._validated:
            return self._deadline
        consent = next(iter(self._validated.values())) + self._consent_s
        return consent if self._silent else min(consent, self._heard + self._silence_s)

    def handle_timer(self, now: float) -> None:
        """Drops addresses without consent and notices silence; early calls do no harm."""
        if self._expired:
            return
        while self._validated:
            address, last = next(iter(self._validated.items()))
            if now < last + self._consent_s:
                break
            self._drop(address)
        if not self._validated:
            if now >= self._deadline:
                self._selected = None
                self._expired = True
                self._events.append(Expired())
            return
        if self._selected not in self._validated:
            self._select(next(reversed(self._validated)))
        if not self._silent and now >= self._heard + self._silence_s:
            self._silent = True
            self._events.append(Silent())

    def next_event(self) -> IceEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    def _has_left(self, selected: Address | None, now: float) -> bool:
        """Whether the client, whose check from elsewhere has just come, is no longer at the selected address."""
        last = self._validated.get(selected) if selected is not None else None
        return last is None or now >= last + FOLLOW_S

    def _in_use(self, ufrag: str) -> None:
        """A valid check used these credentials: if they are the newest, all others are retired."""
        if ufrag == self._local.ufrag and len(self._accepted) > 1:
            for other in [other for other in self._accepted if other != ufrag]:
                self._retire(other)

    def _retire(self, ufrag: str) -> None:
        self._events.append(CredentialsRetired(self._accepted.pop(ufrag).ufrag))

    def _renew(self, source: Address, now: float) -> None:
        if source not in self._validated:
            if len(self._validated) == MAX_ADDRESSES:
                self._drop(next(address for address in self._validated if address != self._selected))
            self._events.append(AddressValidated(source))
        self._validated[source] = now
        self._deadline = now + self._consent_s
        self._validated.move_to_end(source)
        self._live(now)

    def _live(self, now: float) -> None:
        self._heard = max(self._heard, now)
        if self._silent:
            self._silent = False
            self._events.append(Resumed())

    def _select(self, address: Address) -> None:
        self._selected = address
        self._events.append(AddressSelected(address))

    def _drop(self, address: Address) -> None:
        del self._validated[address]
        self._events.append(AddressDropped(address))
