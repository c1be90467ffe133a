// One connection to one other participant: perfect negotiation (WebRTC 1.0, 10.7).

export class Link {
  #making = false;
  #ignoring = false;

  /** `signal` sends to the other; `shown` is given a stream of the other. */
  constructor(peer, { ice, relay }, stream, signal, shown) {
    this.peer = peer;
    this.signal = signal;
    this.pc = new RTCPeerConnection({ iceServers: ice, iceTransportPolicy: relay ? "relay" : "all" });
    const { pc } = this;
    pc.onnegotiationneeded = () => this.#offer();
    pc.onicecandidate = ({ candidate }) => candidate && signal({ candidate: plain(candidate) });
    pc.oniceconnectionstatechange = () => pc.iceConnectionState === "failed" && pc.restartIce();
    pc.ontrack = ({ streams: [theirs] }) => shown(theirs);
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
  }

  async #offer() {
    try {
      this.#making = true;
      await this.pc.setLocalDescription();
      this.#describe();
    } finally {
      this.#making = false;
    }
  }

  #describe() {
    const { type, sdp } = this.pc.localDescription;
    this.signal({ description: { type, sdp } });
  }

  async heard({ description, candidate }) {
    const { pc } = this;
    if (description) {
      const glare = description.type === "offer" && (this.#making || pc.signalingState !== "stable");
      this.#ignoring = glare && !this.peer.polite;
      if (this.#ignoring) return;
      await pc.setRemoteDescription(description);
      if (description.type === "offer") {
        await pc.setLocalDescription();
        this.#describe();
      }
    } else if (candidate) {
      try {
        await pc.addIceCandidate(candidate);
      } catch (problem) {
        if (!this.#ignoring) throw problem;
      }
    }
  }

  /** Send this track, or nothing, in the place of what was sent of its kind. */
  replace(kind, track, stream) {
    const sender = this.pc.getSenders().find((one) => (one.track?.kind ?? one.kind) === kind);
    if (sender) {
      sender.kind = kind;
      return sender.replaceTrack(track);
    }
    if (track) this.pc.addTrack(track, stream).kind = kind;
  }
}

function plain({ candidate, sdpMid, sdpMLineIndex, usernameFragment }) {
  return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
}
