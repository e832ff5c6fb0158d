"""STUN and TURN servers for clients: passwords that a TURN server can check, in the forms of both front doors."""

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest
from pydantic import ValidationError

from sfu.candidates import host_candidates
from sfu.config import Settings
from signaling.ice_servers import IceServers, link_headers, own_stun
from signaling.own_stun import own_urls
from signaling.server_messages import IceServer

SECRET = "a-secret-shared-with-coturn"
STUN = "stun:stun.example.net"
TURN = ("turn:turn.example.net?transport=udp", "turns:turn.example.net:443?transport=tcp")
NOW = 1_767_225_600.9


def servers(**values: Any) -> tuple[IceServer, ...]:
    return IceServers(Settings(**values)).for_participant("p_n7zgydcve23y", NOW)


def test_nothing_is_handed_out_where_nothing_is_set() -> None:
    assert servers() == ()


def test_stun_needs_no_password() -> None:
    (only,) = servers(ice_server=(STUN,))
    assert only.model_dump() == {"urls": (STUN,)}


def test_the_password_is_the_one_that_the_turn_server_computes() -> None:
    stun, turn = servers(ice_server=(STUN,), turn_server=TURN, turn_secret=SECRET, turn_ttl_seconds=600)
    assert (stun.urls, turn.urls) == ((STUN,), TURN)
    assert turn.username == "1767226200:p_n7zgydcve23y"
    assert turn.credential is not None
    expected = hmac.new(SECRET.encode(), turn.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn.credential) == expected


def test_passwords_differ_by_person_and_time() -> None:
    handed = IceServers(Settings(turn_server=TURN, turn_secret=SECRET))
    asked = [("p_a", NOW), ("p_b", NOW), ("p_a", NOW + 1)]
    assert len({handed.for_participant(*each)[0].credential for each in asked}) == 3


def test_a_link_a_url_with_what_it_takes() -> None:
    stun, *links = link_headers(servers(ice_server=(STUN,), turn_server=TURN, turn_secret=SECRET))
    assert stun == f'<{STUN}>; rel="ice-server"'
    assert [link.partition(";")[0] for link in links] == [f"<{url}>" for url in TURN]
    for link in links:
        names = [part.partition("=")[0] for part in link.split("; ")[1:]]
        assert names == ["rel", "username", "credential", "credential-type"]


def test_what_is_secret_does_not_show() -> None:
    settings = Settings(turn_server=TURN, turn_secret=SECRET)
    (turn,) = IceServers(settings).for_participant("p_a", NOW)
    assert SECRET not in repr(settings) + repr(turn) + turn.model_dump_json()
    assert turn.credential is not None
    assert turn.credential not in repr(turn)


@pytest.mark.parametrize(
    "values",
    [
        {"turn_server": TURN},
        {"turn_secret": SECRET},
        {"turn_server": TURN, "turn_secret": "short"},
        {"turn_server": TURN, "turn_secret": SECRET, "turn_ttl_seconds": 1},
        {"turn_server": "https://turn.example.net", "turn_secret": SECRET},
        {"turn_server": "turn:turn.example.net?transport=sctp", "turn_secret": SECRET},
        {"turn_server": 'turn:turn.example.net"\r\nX: y', "turn_secret": SECRET},
        {"ice_server": "turn:turn.example.net"},
        {"ice_server": "stun:stun.example.net>; x=y"},
        {"ice_server": "stun:"},
    ],
)
def test_unusable_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**values)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("host", ["turn.example.net", "192.0.2.1", "[2001:db8::1]", "turn.example.net:5349"])
def test_every_form_of_host_is_taken(host: str) -> None:
    assert Settings(turn_server=f"turn:{host}, turns:{host}?transport=tcp", turn_secret=SECRET).turn_server


def test_for_direct_calls_the_server_itself_comes_first_where_clients_reach_it() -> None:
    """Its media port answers plain Binding requests. Browsers that took it for the connection to it would have no UDP there."""
    own = host_candidates(("0.0.0.0", 3478), ("203.0.113.7", "2001:db8::7", "172.30.0.10"), tcp=True)
    settings = Settings(ice_server=(STUN,), turn_server=TURN, turn_secret=SECRET)
    servers = IceServers(settings, lambda: own)
    assert [each.urls for each in servers.for_participant("p_a", NOW)] == [(STUN,), TURN]
    first, second = servers.for_direct_calls()
    assert (first.urls, second.urls) == (("stun:203.0.113.7:3478",), (STUN,))
    assert first.model_dump() == {"urls": ("stun:203.0.113.7:3478",)}
    (six,) = own_stun(host_candidates(("2001:db8::7", 5000), ()))
    assert six.urls == ("stun:[2001:db8::7]:5000",)
    assert own_stun(host_candidates(("127.0.0.1", 3478), (), tcp=True)) == ()
    assert own_stun(host_candidates(("::1", 3478), ())) == ()


def test_what_leads_to_the_server_itself_is_for_direct_calls_only() -> None:
    """On loopback nothing else is a STUN server for those."""
    others = "stun:stun.example.org"
    servers = IceServers(Settings(ice_server=("stun:localhost:3478", STUN, others)))
    servers.set_aside(("stun:localhost:3478",))
    assert [each.urls for each in servers.for_participant("p_a", NOW)] == [(STUN,), (others,)]
    assert [each.urls for each in servers.for_direct_calls()] == [("stun:localhost:3478",), (STUN,), (others,)]
    servers.set_aside(())
    assert len(servers.for_participant("p_a", NOW)) == 3


OWN = {("203.0.113.7", 3478), ("203.0.113.7", 3479), ("2001:db8::7", 3478), ("127.0.0.1", 3478)}


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("stun:203.0.113.7", True),
        ("stun:203.0.113.7:3479", True),
        ("stun:[2001:db8::7]", True),
        ("stun:[2001:0db8:0::7]:3478", True),
        ("stun:localhost", True),
        ("stun:203.0.113.7:3480", False),
        ("stuns:203.0.113.7", False),
        ("stun:203.0.113.8", False),
        ("stun:[2001:db8::8]", False),
        ("stun:localhost:5349", False),
        ("stun:nobody.invalid", False),
    ],
)
async def test_a_stun_url_that_leads_to_the_server_is_found(url: str, ours: bool) -> None:
    assert await own_urls((url, "stun:198.51.100.1"), OWN) == ((url,) if ours else ())


async def test_a_name_that_cannot_be_this_server_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a name was asked for")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", refuse)
    assert await own_urls(("stun:stun.example.net:19302", "stun:203.0.113.7"), OWN) == ("stun:203.0.113.7",)
