"""Tokens: what opens a room, what does not, and which tricks of others' past do not work here."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import PermissionDeniedError, RemoteError
from sfu.ids import RoomName
from sfu.permissions import Permissions
from sfu.views import Source
from signaling.auth import Authority, TokenError

NOW = 1_800_000_000.0
LEEWAY_S = 10.0
KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-hs256"
ROOM = RoomName("blue")
AUTHORITY = Authority({KEY: SECRET, "other": "another-secret-that-is-long-enough"}, leeway_s=LEEWAY_S, now=lambda: NOW)
CLAIMS: dict[str, Any] = {
    "iss": KEY,
    "sub": "ana",
    "exp": int(NOW) + 60,
    "video": {"room": ROOM, "roomJoin": True},
}


def token(claims: dict[str, Any] | None = None, *, secret: str = SECRET, **changes: Any) -> str:
    return jwt.encode((CLAIMS if claims is None else claims) | changes, secret, algorithm="HS256")


def handmade(header: str, claims: str, secret: str = SECRET) -> str:
    """Signed right, whatever it says."""
    signed = b".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (header, claims))
    tag = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return (signed + b"." + base64.urlsafe_b64encode(tag).rstrip(b"=")).decode()


def code_of(text: str | None, room: RoomName = ROOM) -> str:
    with pytest.raises(RemoteError) as caught:
        AUTHORITY.join(text, room)
    return caught.value.code


def test_a_token_opens_its_room() -> None:
    grant = AUTHORITY.join(token(name="Ana Á."), ROOM)
    assert grant.identity == "ana"
    assert grant.name == "Ana Á."
    assert grant.permissions == Permissions(publish=True, subscribe=True, publish_data=True, admin=False)
    assert not grant.hidden


def test_permissions_are_what_the_token_says() -> None:
    video = CLAIMS["video"] | {"canPublish": False, "canSubscribe": False, "roomAdmin": True, "hidden": True}
    grant = AUTHORITY.join(token(video=video), ROOM)
    assert grant.permissions == Permissions(publish=False, subscribe=False, publish_data=False, admin=True)
    assert grant.hidden
    grant = AUTHORITY.join(token(video=video | {"canPublishData": True}), ROOM)
    assert grant.permissions.publish_data


@pytest.mark.parametrize(
    ("names", "sources"),
    [
        ([], None),
        (["microphone"], {Source.MICROPHONE}),
        (["CAMERA", "screen_share"], {Source.CAMERA, Source.SCREEN}),
        (["hologram"], set()),
    ],
)
def test_a_token_may_allow_some_sources_only(names: list[str], sources: set[Source] | None) -> None:
    grant = AUTHORITY.join(token(video=CLAIMS["video"] | {"canPublishSources": names}), ROOM)
    assert grant.permissions.sources == sources


@pytest.mark.parametrize("names", ["camera", {"camera": True}, [1], 7])
def test_sources_that_are_no_list_of_names_are_refused(names: object) -> None:
    with pytest.raises(TokenError):
        AUTHORITY.join(token(video=CLAIMS["video"] | {"canPublishSources": names}), ROOM)


def test_without_keys_rooms_are_open() -> None:
    grant = Authority({}).join(None, ROOM)
    assert grant.permissions == Permissions()
    assert grant.identity is None


@pytest.mark.parametrize("text", [None, ""])
def test_with_keys_a_token_is_required(text: str | None) -> None:
    assert code_of(text) == "token_required"


def test_a_token_for_another_room_is_denied() -> None:
    assert code_of(token(), RoomName("red")) == "permission_denied"
    assert code_of(token(video={"roomJoin": True})) == "permission_denied"


def test_a_token_without_room_join_is_denied() -> None:
    assert code_of(token(video={"room": ROOM})) == "permission_denied"
    assert code_of(token(video={"room": ROOM, "roomAdmin": True})) == "permission_denied"
    without_video = {key: value for key, value in CLAIMS.items() if key != "video"}
    assert code_of(token(without_video)) == "permission_denied"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": int(NOW - LEEWAY_S)}, "token_expired"),
        ({"exp": NOW - LEEWAY_S - 0.5}, "token_expired"),
        ({"exp": 0}, "token_expired"),
        ({"exp": None}, "invalid_token"),
        ({"exp": str(int(NOW) + 60)}, "invalid_token"),
        ({"exp": True}, "invalid_token"),
        ({"nbf": int(NOW + LEEWAY_S) + 1}, "invalid_token"),
        ({"nbf": "soon"}, "invalid_token"),
    ],
)
def test_times_are_checked(changes: dict[str, Any], code: str) -> None:
    text = handmade('{"alg":"HS256"}', json.dumps(CLAIMS | changes))
    assert code_of(text) == code


def test_clocks_may_differ_a_little() -> None:
    AUTHORITY.join(token(exp=int(NOW - LEEWAY_S + 1), nbf=int(NOW + LEEWAY_S - 1)), ROOM)


def test_expiry_ends_admission_only() -> None:
    expired = token(exp=1)
    assert AUTHORITY.read(expired, expired_too=True).identity == "ana"
    with pytest.raises(TokenError):
        AUTHORITY.read(expired)


def test_a_token_without_expiry_is_refused() -> None:
    assert code_of(token({key: value for key, value in CLAIMS.items() if key != "exp"})) == "invalid_token"


def test_the_issuer_picks_the_secret() -> None:
    assert code_of(token(iss="other")) == "invalid_token"
    assert code_of(token(iss="nobody")) == "invalid_token"
    assert code_of(token({key: value for key, value in CLAIMS.items() if key != "iss"})) == "invalid_token"
    assert code_of(handmade('{"alg":"HS256"}', json.dumps(CLAIMS | {"iss": [KEY]}))) == "invalid_token"
    assert AUTHORITY.join(token(iss="other", secret="another-secret-that-is-long-enough"), ROOM)


def test_no_algorithm_is_no_signature() -> None:
    unsigned = jwt.encode(CLAIMS, "", algorithm="none")
    assert code_of(unsigned) == "invalid_token"
    for name in ("none", "None", "NONE", "", "HS512", "HS384", "hs256", "RS256", "ES256"):
        assert code_of(handmade(json.dumps({"alg": name}), json.dumps(CLAIMS))) == "invalid_token"
    for header in (
        "{}",
        '{"alg":null}',
        '{"alg":["HS256"]}',
        '{"alg":"HS256","crit":["exp"]}',
        '{"alg":"HS256","b64":false}',
    ):
        assert code_of(handmade(header, json.dumps(CLAIMS))) == "invalid_token"


def test_a_public_key_is_not_taken_for_a_secret() -> None:
    """RS256 confusion: a token signed by HMAC with the public key as the secret, or by the private key."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert code_of(jwt.encode(CLAIMS, private, algorithm="RS256")) == "invalid_token"
    assert code_of(handmade('{"alg":"HS256"}', json.dumps(CLAIMS), public.decode())) == "invalid_token"


@pytest.mark.parametrize(
    "claims",
    [
        '{"iss":"devkey","exp":1800000060,"video":{"room":"red","roomJoin":true,"room":"blue"}}',
        '{"iss":"devkey","exp":1,"video":{"room":"blue","roomJoin":true},"exp":1800000060}',
        '{"iss":"devkey","exp":Infinity,"video":{"room":"blue","roomJoin":true}}',
        '{"iss":"devkey","exp":1e999,"video":{"room":"blue","roomJoin":true}}',
        '{"iss":"devkey","exp":1800000060,"video":{"room":"blue","roomJoin":"true"}}',
        '{"iss":"devkey","exp":1800000060,"video":{"room":"blue","roomJoin":1}}',
        '{"iss":"devkey","exp":1800000060,"video":{"room":["blue"],"roomJoin":true}}',
        '{"iss":"devkey","exp":1800000060,"video":"blue"}',
        '{"iss":"devkey","exp":1800000060,"sub":7,"video":{"room":"blue","roomJoin":true}}',
        '{"iss":"devkey","exp":1800000060,"name":{"a":1},"video":{"room":"blue","roomJoin":true}}',
        '[{"iss":"devkey"}]',
        "[" * 3_000,
        "",
    ],
)
def test_ambiguous_or_mistyped_claims_are_refused_though_signed(claims: str) -> None:
    assert code_of(handmade('{"alg":"HS256"}', claims)) == "invalid_token"


def test_duplicate_keys_in_the_header_are_refused() -> None:
    assert code_of(handmade('{"alg":"none","alg":"HS256"}', json.dumps(CLAIMS))) == "invalid_token"


def test_every_changed_character_breaks_the_signature() -> None:
    good = token()
    for index, old in enumerate(good):
        for new in ("A", "b", "=", "\n", "."):
            # The last character's low bits are padding: another spelling of the same 32 bytes is no forgery.
            if new != old and index != len(good) - 1:
                assert code_of(good[:index] + new + good[index + 1 :]) == "invalid_token"


def test_errors_name_no_secret() -> None:
    for text in (token(iss="nobody"), token()[:-4] + "AAAA", "x" * 9_000, token(exp=1)):
        with pytest.raises(RemoteError) as caught:
            AUTHORITY.join(text, ROOM)
        assert SECRET not in caught.value.message
        assert text not in caught.value.message
    assert SECRET not in repr(AUTHORITY)


def test_a_wrong_room_is_another_fault_than_a_wrong_token() -> None:
    with pytest.raises(PermissionDeniedError):
        AUTHORITY.join(token(), RoomName("red"))


@given(st.text(max_size=200) | st.lists(st.text(max_size=30), min_size=3, max_size=3).map(".".join))
@settings(max_examples=200)
def test_any_text_is_refused_calmly(text: str) -> None:
    assert code_of(text) in ("invalid_token", "token_required")


@given(
    st.dictionaries(
        st.sampled_from(["iss", "exp", "nbf", "sub", "name", "video", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
            lambda inner: st.dictionaries(
                st.sampled_from(["room", "roomJoin", "canPublish", "hidden"]), inner, max_size=4
            ),
            max_leaves=6,
        ),
    )
)
@settings(max_examples=200)
def test_any_signed_claims_are_a_grant_or_an_error(claims: dict[str, Any]) -> None:
    try:
        grant = AUTHORITY.join(handmade('{"alg":"HS256"}', json.dumps(CLAIMS | claims)), ROOM)
    except RemoteError:
        return
    assert grant.room == ROOM
    assert grant.join is True
