// Cases of negotiation, run by a page in a real browser. Each makes offers, gets answers from the tested code over HTTP, and
// checks what the browser made of them. Results are posted to /done as {case: "ok" | message}.

const LAYERS = [{ rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" }];
let media, audio, video;

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

class Session {
  constructor(name, role = "both") {
    this.name = name;
    this.role = role;
    this.step = 0;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.streams = {};
    this.pc.ontrack = ({ transceiver, streams }) => { this.streams[transceiver.mid] = streams.map((each) => each.id); };
  }

  async negotiate(options) {
    await this.pc.setLocalDescription(await this.pc.createOffer(options));
    this.step += 1;
    const response = await fetch(`/offer/${this.name}/${this.step}/${this.role}`, {
      method: "POST", body: this.pc.localDescription.sdp });
    expect(response.ok, `step ${this.step}: ${await response.clone().text()}`);
    await this.pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
    return this.pc.currentRemoteDescription.sdp;
  }

  directions() {
    return this.pc.getTransceivers().map((each) => each.currentDirection).join(" ");
  }

  publish(encodings = LAYERS) {
    return [this.pc.addTransceiver(audio, { direction: "sendonly", streams: [media] }),
      this.pc.addTransceiver(video, { direction: "sendonly", streams: [media], sendEncodings: encodings })];
  }

  slots(count) {
    for (let each = 0; each < count; each += 1) {
      for (const kind of ["audio", "video"]) this.pc.addTransceiver(kind, { direction: "recvonly" });
    }
  }
}

const cases = {
  async "publish-simulcast"(session) {
    const [, sender] = session.publish();
    await session.negotiate();
    expect(session.directions() === "sendonly sendonly", session.directions());
    const { encodings } = sender.sender.getParameters();
    expect(encodings.length === 3 && encodings.every((each) => each.active), JSON.stringify(encodings));
    expect(encodings.map((each) => each.rid).join() === "q,h,f", JSON.stringify(encodings));
  },
  async "publish-plain"(session) {
    session.publish([{}]);
    await session.negotiate();
    expect(session.directions() === "sendonly sendonly", session.directions());
  },
  async "slots-2-2"(session) {
    session.slots(2);
    await session.negotiate();
    expect(session.directions() === "recvonly recvonly recvonly recvonly", session.directions());
    const ids = session.pc.getTransceivers().map((each) => session.streams[each.mid].join());
    expect(ids.join(" ") === "slot-1 slot-1 slot-2 slot-2", ids.join(" "));
  },
  async "data-only"(session) {
    session.pc.createDataChannel("chat");
    await session.negotiate();
    expect(session.pc.sctp.maxMessageSize === 65536, `maxMessageSize ${session.pc.sctp.maxMessageSize}`);
  },
  async "conference-grows"(session) {
    session.pc.createDataChannel("chat");
    session.publish();
    session.slots(1);
    await session.negotiate();
    const before = { ...session.streams };
    session.slots(2);
    const answer = await session.negotiate();
    for (const mid in before) expect(before[mid].join() === session.streams[mid].join(), `the stream of ${mid} changed`);
    expect(answer.includes("slot-3 slot-3-video"), "no third slot");
    expect(session.directions() === "sendonly sendonly" + " recvonly".repeat(6), session.directions());
  },
  async "sendrecv"(session) {
    for (const track of [audio, video]) session.pc.addTrack(track, media);
    await session.negotiate();
    expect(session.directions() === "sendrecv sendrecv", session.directions());
  },
  async "stop-and-recycle"(session) {
    const [, sender] = session.publish();
    session.slots(1);
    await session.negotiate();
    sender.stop();
    await session.negotiate();
    expect(session.directions().split(" ").filter((each) => each === "recvonly").length === 2, session.directions());
    session.pc.addTransceiver(video, { direction: "sendonly", streams: [media], sendEncodings: LAYERS });
    await session.negotiate();
    expect(session.pc.getTransceivers().filter((each) => each.currentDirection === "sendonly").length === 2,
      session.directions());
    expect(session.pc.localDescription.sdp.match(/^m=/gm).length === 4, "the m-line was not recycled");
  },
  async "stop-first-line"(session) {
    const [first] = session.publish();
    session.slots(1);
    await session.negotiate();
    first.stop();
    await session.negotiate();
    expect(session.pc.getTransceivers().filter((each) => each.currentDirection === "recvonly").length === 2,
      session.directions());
  },
  async "slots-then-publish"(session) {
    session.slots(1);
    await session.negotiate();
    const [, sender] = session.publish();
    await session.negotiate();
    expect(session.directions() === "recvonly recvonly sendonly sendonly", session.directions());
    expect(sender.sender.getParameters().encodings.length === 3, "no simulcast");
  },
  async "remove-track"(session) {
    const [, sender] = session.publish();
    await session.negotiate();
    session.pc.removeTrack(sender.sender);
    await session.negotiate();
    expect(session.directions() === "sendonly inactive", session.directions());
    await sender.sender.replaceTrack(video);
    sender.direction = "sendonly";
    await session.negotiate();
    expect(session.directions() === "sendonly sendonly", session.directions());
  },
  async "slot-pauses"(session) {
    session.slots(2);
    await session.negotiate();
    const slot = session.pc.getTransceivers()[1];
    slot.direction = "inactive";
    await session.negotiate();
    expect(session.directions() === "recvonly inactive recvonly recvonly", session.directions());
    slot.direction = "recvonly";
    await session.negotiate();
    expect(session.directions() === "recvonly recvonly recvonly recvonly", session.directions());
  },
  async "ice-restart"(session) {
    session.publish();
    session.slots(1);
    const first = await session.negotiate();
    const second = await session.negotiate({ iceRestart: true });
    const ufrag = (sdp) => /a=ice-ufrag:(\S+)/.exec(sdp)[1];
    expect(ufrag(first) !== ufrag(second), "the answer kept its ICE credentials");
  },
  async "no-common-audio-codec"(session) {
    const [first] = session.publish();
    first.setCodecPreferences(RTCRtpSender.getCapabilities("audio").codecs.filter((each) => /PCMU/i.test(each.mimeType)));
    session.slots(1);
    await session.negotiate();
    expect(session.directions() === "inactive sendonly recvonly recvonly", session.directions());
  },
  async "only-publish"(session) {
    session.publish();
    session.slots(1);
    await session.negotiate();
    expect(session.directions() === "sendonly sendonly inactive inactive", session.directions());
  },
  async "only-subscribe"(session) {
    session.publish();
    session.slots(1);
    await session.negotiate();
    expect(session.directions() === "inactive inactive recvonly recvonly", session.directions());
  },
};

for (const name of ["VP8", "VP9", "H264", "AV1"]) {
  cases[`prefer-${name.toLowerCase()}`] = async (session) => {
    const [, sender] = session.publish();
    session.slots(1);
    const all = RTCRtpSender.getCapabilities("video").codecs;
    const own = all.filter((each) => each.mimeType.toUpperCase() === `VIDEO/${name}`);
    if (own.length === 0) return "this browser cannot send it";
    sender.setCodecPreferences([...own, ...all.filter((each) => each.mimeType === "video/rtx")]);
    await session.negotiate();
    const [codec] = sender.sender.getParameters().codecs;
    expect(codec.mimeType.toUpperCase() === `VIDEO/${name}`, codec.mimeType);
    return undefined;
  };
}

async function main() {
  media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } });
  [audio] = media.getAudioTracks();
  [video] = media.getVideoTracks();
  const results = {};
  for (const [name, run] of Object.entries(cases)) {
    const session = new Session(name, { "only-publish": "publish", "only-subscribe": "subscribe" }[name]);
    try {
      results[name] = (await run(session)) ?? "ok";
    } catch (error) {
      results[name] = `${error.name}: ${error.message} (step ${session.step})`;
    }
    session.pc.close();
  }
  return results;
}

main().catch((error) => ({ "": String(error) })).then((results) => fetch("/done", {
  method: "POST", body: JSON.stringify(results) }));
