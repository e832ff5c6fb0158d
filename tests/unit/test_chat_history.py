"""The history keeps the newest messages within both limits, and nothing private."""

from hypothesis import given
from hypothesis import strategies as st

from sfu.chat import ChatMessage
from sfu.chat_history import ChatHistory
from sfu.ids import MessageId, ParticipantId

messages = st.builds(
    ChatMessage,
    id=st.integers(0, 10**6).map(lambda number: MessageId(f"m_{number}")),
    sender=st.just(ParticipantId("p_a")),
    name=st.text(max_size=10),
    text=st.text(max_size=200),
    at_ms=st.integers(0, 2**41),
    to=st.none() | st.just(ParticipantId("p_b")),
)


@given(st.lists(messages, max_size=30), st.integers(0, 10), st.integers(0, 2_000))
def test_it_is_the_newest_that_fit(said: list[ChatMessage], count: int, size: int) -> None:
    history = ChatHistory(count, size)
    for message in said:
        history.add(message)
        assert sum(len(kept.to_json(history=True)) for kept in history) <= size
        assert len(history) <= count
    public = [message for message in said if message.to is None]
    kept = list(history)
    assert kept == public[len(public) - len(kept) :]
    left = public[: len(public) - len(kept)]
    if left and len(kept) < count:
        # The next older one would not have fitted.
        assert sum(len(message.to_json(history=True)) for message in (left[-1], *kept)) > size


@given(st.lists(messages, max_size=30, unique_by=lambda m: m.id), st.data())
def test_what_was_taken_back_is_not_kept_and_makes_room(said: list[ChatMessage], data: st.DataObject) -> None:
    history = ChatHistory(20, 1_000)
    for message in said:
        history.add(message)
    kept = list(history)
    gone = data.draw(st.sampled_from(kept)) if kept else None
    history.remove(gone.id if gone else MessageId("m_none"))
    assert list(history) == [message for message in kept if message is not gone]
    small = ChatMessage(MessageId("m_new"), ParticipantId("p_a"), "", "", 0)
    if gone is not None and len(gone.to_json()) >= len(small.to_json()):
        history.add(small)
        assert list(history) == [*(message for message in kept if message is not gone), small]
