"""A whole RTCPeerConnection of aiortc (offer, answer, full ICE, DTLS, SCTP) against negotiation and a transport."""

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from sfu.dtls import Certificate
from sfu.ids import new_ssrc
from sfu.media_port import MediaPort
from sfu.negotiation import LocalParameters, Negotiated, Role, negotiate
from sfu.transport import (
    Connected,
    Message,
    RemoteParameters,
    SctpParameters,
    Transport,
    TransportEvent,
)
from tests.harness.transport_client import until


def answer(offer: str, transport: Transport, previous: Negotiated | None = None) -> Negotiated:
    ours = transport.local_parameters
    local = LocalParameters(
        ufrag=ours.ufrag,
        password=ours.password,
        fingerprint=ours.fingerprint,
        candidates=ours.candidates,
        session_id=1,
        session_version=1,
        cname="cname",
    )
    role = Role(publish=True, subscribe=True)
    return negotiate(offer, previous=previous, local=local, role=role, new_ssrc=new_ssrc)


async def test_a_peer_connection_chats_over_a_transport() -> None:
    port = MediaPort("127.0.0.1", 0)
    await port.start()
    events: list[TransportEvent] = []
    transport = Transport(port, certificate=Certificate(), on_event=events.append)
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = client.createDataChannel("chat")
    got: list[str] = []
    channel.on("message", got.append)
    await client.setLocalDescription(await client.createOffer())
    result = answer(client.localDescription.sdp, transport)
    data = result.data_channels
    assert data is not None
    transport.start(
        RemoteParameters(result.remote_fingerprints, SctpParameters(data.remote_port, data.max_message_size))
    )
    await client.setRemoteDescription(RTCSessionDescription(result.answer, "answer"))
    await until(lambda: channel.readyState == "open" and transport.state == "connected")
    channel.send("hello")
    await until(lambda: Message("chat", "hello") in events)
    assert transport.send_message("chat", "welcome")
    await until(lambda: got == ["welcome"])
    assert sum(isinstance(event, Connected) for event in events) == 1
    await client.close()
    await until(lambda: transport.state == "closed")
    await port.close()
