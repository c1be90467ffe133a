// One connection to one other participant: perfect negotiation (WebRTC 1.0, 10.7). Who comes offers
// first, and who was there adds its own tracks to the answer, so that beginnings do not collide.

export class Link {
  #making = false;
  #ignoring = false;
  #unsent;

  /** `signal` sends to the other; `shown` is given a stream of the other; `first`: who offers. */
  constructor(peer, { ice, relay }, stream, signal, shown, first) {
    this.peer = peer;
    this.signal = signal;
    this.pc = new RTCPeerConnection({ iceServers: ice, iceTransportPolicy: relay ? "relay" : "all" });
    const { pc } = this;
    pc.onnegotiationneeded = () => this.#offer();
    pc.onicecandidate = ({ candidate }) => candidate && signal({ candidate: plain(candidate) });
    pc.oniceconnectionstatechange = () => pc.iceConnectionState === "failed" && pc.restartIce();
    pc.ontrack = ({ streams: [theirs] }) => shown(theirs);
    this.#unsent = stream;
    if (first) {
      this.#add();
      const kinds = stream.getTracks().map((track) => track.kind);
      for (const kind of ["audio", "video"]) {
        if (!kinds.includes(kind)) pc.addTransceiver(kind, { direction: "recvonly" });
      }
    }
  }

  #add() {
    const stream = this.#unsent;
    for (const track of stream?.getTracks() ?? []) this.pc.addTrack(track, stream);
    this.#unsent = null;
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
        this.#add();
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
    if (this.#unsent) return; // it is in the stream, and goes with the rest
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
