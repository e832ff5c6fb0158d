"""What somebody may turn on: the token, the room's rule, an exception for this person, and being an administrator."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.dataplane.types import Kind
from sfu.permissions import Permissions
from sfu.room_state import NAMED, RoomState, allowed_sources, may_turn_on
from sfu.views import Source

sources = st.sampled_from(list(Source))
states = st.builds(RoomState, microphone=st.booleans(), camera=st.booleans(), screen=st.booleans())
exceptions = st.dictionaries(sources, st.booleans())
tokens = st.none() | st.frozensets(st.sampled_from(sorted(NAMED)))


@pytest.mark.parametrize(
    ("token", "rule", "exception", "admin", "may"),
    [
        (True, True, None, False, True),
        (True, True, False, False, False),
        (True, False, None, False, False),
        (True, False, True, False, True),
        (True, False, False, True, True),
        (False, True, True, True, False),
        (False, True, True, False, False),
    ],
)
def test_what_counts_before_what(token: bool, rule: bool, exception: bool | None, admin: bool, may: bool) -> None:
    granted = None if token else frozenset({Source.CAMERA})
    said = {} if exception is None else {Source.MICROPHONE: exception}
    allowed = allowed_sources(Permissions(sources=granted, admin=admin), RoomState(microphone=rule), said, publish=True)
    assert (Source.MICROPHONE in allowed) is may


@given(tokens, states, exceptions, st.booleans(), st.booleans())
def test_nothing_goes_beyond_the_token(
    token: frozenset[Source] | None, state: RoomState, said: dict[Source, bool], admin: bool, publish: bool
) -> None:
    allowed = allowed_sources(Permissions(sources=token, admin=admin), state, said, publish=publish)
    assert allowed <= (NAMED if token is None else token)
    assert publish or not allowed
    assert not admin or not publish or allowed == (NAMED if token is None else token)


@given(states, exceptions)
def test_no_name_that_a_client_gives_a_track_opens_a_kind_that_is_closed(
    state: RoomState, said: dict[Source, bool]
) -> None:
    allowed = allowed_sources(Permissions(), state, said, publish=True)
    for name, kind in itertools.product(Source, Kind):
        of_kind = {source for source in NAMED if source.kind is kind}
        if may_turn_on(name, kind, allowed):
            assert allowed & of_kind
            # Under another kind's name, or none, it takes all of them.
            assert name in allowed & of_kind or of_kind <= allowed
        if of_kind <= allowed:
            assert may_turn_on(name, kind, allowed)
