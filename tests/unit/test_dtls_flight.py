"""When a flight is sent again, in virtual time: sooner than OpenSSL would, never without bound."""

from hypothesis import given
from hypothesis import strategies as st

from sfu.dtls_flight import FIRST_REPEAT_S, LAST_REPEAT_S, LEAST_GAP_S, MAX_REPEATS, Flight

HELLO = b"\x16\xfe\xff" + bytes(8) + b"\x00\x40" + b"\x01" + bytes(63)
CERTIFICATE = HELLO[:13] + b"\x0b" + HELLO[14:]
FLIGHT = [b"server hello", b"server hello done"]


def test_times_double_up_to_a_limit_and_end() -> None:
    flight = Flight()
    flight.sent(FLIGHT, 10.0)
    times = []
    while (when := flight.next_time()) is not None:
        assert flight.due(when - 1e-6) == []
        assert flight.due(when) == FLIGHT
        times.append(when)
    gaps = [b - a for a, b in zip([10.0, *times], times, strict=False)]
    assert [round(gap, 3) for gap in gaps[:6]] == [0.1, 0.2, 0.4, 0.8, 1.6, 1.6]
    assert max(gaps) < LAST_REPEAT_S + 1e-6
    assert len(times) == MAX_REPEATS


def test_an_answer_ends_it() -> None:
    flight = Flight()
    flight.sent(FLIGHT, 0.0)
    assert flight.heard(CERTIFICATE, 0.05) == []
    assert flight.next_time() is None
    assert flight.heard(HELLO, 0.1) == []


def test_a_repeated_hello_asks_for_it_and_puts_the_timer_off() -> None:
    flight = Flight()
    flight.sent(FLIGHT, 0.0)
    assert flight.heard(HELLO, LEAST_GAP_S / 2) == []
    assert flight.heard(HELLO, 0.05) == FLIGHT
    assert flight.next_time() == 0.05 + FIRST_REPEAT_S


def test_a_flight_that_is_made_anew_keeps_its_times() -> None:
    flight = Flight()
    flight.sent(FLIGHT, 0.0)
    assert flight.due(0.1) == FLIGHT
    flight.sent([b"the same, numbered anew"], 0.2)
    assert flight.next_time() == 0.2 + 2 * FIRST_REPEAT_S


@given(st.lists(st.tuples(st.floats(0, 0.5), st.binary(max_size=40) | st.just(HELLO)), max_size=200))
def test_whatever_comes_little_goes_out(heard: list[tuple[float, bytes]]) -> None:
    flight, now, sent = Flight(), 0.0, 0
    flight.sent(FLIGHT, now)
    for after, datagram in heard:
        now += after
        sent += bool(flight.heard(datagram, now)) + bool(flight.due(now))
    assert sent <= MAX_REPEATS
