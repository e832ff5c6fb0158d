"""What was said can be taken back for a while, and those who were away hear of it; nobody else learns of private messages."""

from sfu.authorship import MAX_RETRACTED, Authorship, Said
from sfu.ids import MessageId, ParticipantId

ANA, BO, CID = ParticipantId("p_ana"), ParticipantId("p_bo"), ParticipantId("p_cid")


def message(number: int, to: ParticipantId | None = None) -> Said:
    return Said(MessageId(f"m_{number}"), ANA, to)


def test_the_oldest_can_be_taken_back_no_longer() -> None:
    known = Authorship(3)
    for number in range(5):
        known.add(message(number))
    assert [known.find(MessageId(f"m_{number}")) is not None for number in range(5)] == [False, False, True, True, True]


def test_what_was_taken_back_is_told_to_those_it_concerns() -> None:
    known = Authorship()
    for said in (message(1), message(2, to=BO)):
        known.add(said)
        known.retract(said, ANA)
    assert known.find(MessageId("m_1")) is None
    assert known.is_retracted(MessageId("m_1"))
    assert not known.is_retracted(MessageId("m_3"))
    assert known.retracted_for(CID) == [("m_1", ANA)]
    assert known.retracted_for(BO) == known.retracted_for(ANA) == [("m_1", ANA), ("m_2", ANA)]


def test_retractions_are_bounded() -> None:
    known = Authorship()
    for number in range(MAX_RETRACTED + 5):
        said = message(number)
        known.add(said)
        known.retract(said, ANA)
    found = known.retracted_for(BO)
    assert len(found) == MAX_RETRACTED
    assert found[0][0] == "m_5"
