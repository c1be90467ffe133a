// Sound and picture by a LiveKit server, for visits of more than a few. Who is in the room, and by
// which name, is what our own server says; LiveKit knows numbers of seats.

import { Line } from "./visit-line.js";

const OPTIONS = { adaptiveStream: true, dynacast: true, stopLocalTrackOnUnpublish: false };
const PATIENCE = { maxRetries: 0, websocketTimeout: 5000, peerConnectionTimeout: 10000 };
const TRIES = [0, 500, 1000, 2000, 4000]; // milliseconds between them, before the way is asked for again
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 8000;

/** `send` says something on the socket, `tile` gives the video element of a peer, `stands` is told
 * whether the server can be had. */
export class Group {
  #peers = new Map();
  #sources = {};
  #line = new Line();
  #pause = FIRST_PAUSE;
  #closed = false;
  #room;
  #at;
  #stream;
  #sending = Promise.resolve();

  constructor({ send, tile, stands }) {
    this.send = send;
    this.tile = tile;
    this.stands = stands;
    const { LogLevel, setLogLevel, Track } = globalThis.LivekitClient;
    setLogLevel(LogLevel.error);
    this.#sources = { audio: Track.Source.Microphone, video: Track.Source.Camera };
  }

  /** One was let in, or has come back: with whom, by which way, and what one sends. */
  meet(peers, way, stream) {
    this.#stream = stream;
    this.#peers = new Map(peers.map((peer) => [peer.seat, peer]));
    if (this.#room && this.#at === way.sfu.room) return this.#allow();
    return this.#connect(way);
  }

  came(peer) {
    this.#peers.set(peer.seat, peer);
    this.#allow();
    for (const { track } of this.#room?.remoteParticipants.get(peer.seat)?.trackPublications.values() ?? []) {
      if (track) this.#show(peer.seat, track);
    }
  }

  left(seat) {
    this.#peers.delete(seat);
    for (const { track } of this.#room?.remoteParticipants.get(seat)?.trackPublications.values() ?? []) {
      track?.detach();
    }
    this.#allow();
  }

  /** The way again, which was asked for when the connection was lost. */
  renew({ ice, sfu }) {
    if (sfu && !this.#room && !this.#closed) this.#connect({ ice, sfu });
  }

  /** Send this track, or nothing, in the place of what was sent of its kind; one after the other. */
  replace(kind, track) {
    this.#sending = this.#sending.then(() => this.#replace(kind, track)).catch(() => {});
    return this.#sending;
  }

  async bad() {
    const ours = this.#room?.localParticipant.trackPublications.values() ?? [];
    const theirs = [...(this.#room?.remoteParticipants.values() ?? [])].flatMap((one) => [...one.trackPublications.values()]);
    const reports = await Promise.all([...ours, ...theirs].map(({ track }) => track?.getRTCStatsReport()));
    return this.#line.look(reports.flatMap((report) => [...(report ?? [])]));
  }

  close() {
    this.#closed = true;
    this.#room?.disconnect(false);
    this.#room = null;
  }

  async #connect({ ice, sfu }) {
    const { DefaultReconnectPolicy, Room, RoomEvent } = globalThis.LivekitClient;
    const old = this.#room;
    const room = (this.#room = new Room({ ...OPTIONS, reconnectPolicy: new DefaultReconnectPolicy(TRIES) }));
    this.#at = sfu.room;
    old?.disconnect(false);
    room.on(RoomEvent.TrackSubscribed, (track, _, { identity }) => this.#show(identity, track));
    room.on(RoomEvent.TrackUnsubscribed, (track) => track.detach());
    for (const bad of [RoomEvent.Reconnecting, RoomEvent.SignalReconnecting]) room.on(bad, () => this.stands(false));
    room.on(RoomEvent.Reconnected, () => this.stands(true));
    room.on(RoomEvent.Disconnected, () => this.#lost(room));
    try {
      await room.connect(sfu.url, sfu.token, ice.length ? { ...PATIENCE, rtcConfig: { iceServers: ice } } : PATIENCE);
    } catch {
      return this.#lost(room);
    }
    if (this.#room !== room) return room.disconnect(false); // closed, or connected anew, meanwhile
    this.#pause = FIRST_PAUSE;
    this.stands(true);
    this.#allow();
    for (const track of this.#stream.getTracks()) this.replace(track.kind, track);
  }

  /** Only who was let in may see and hear us, however long the server keeps others. */
  #allow() {
    const seats = [...this.#peers.keys()].map((participantIdentity) => ({ participantIdentity, allowAll: true }));
    this.#room?.localParticipant.setTrackSubscriptionPermissions(false, seats);
  }

  #show(seat, track) {
    const peer = this.#peers.get(seat);
    if (peer) track.attach(this.tile(peer)); // of others it is shown when we are told of them
  }

  async #replace(kind, track) {
    const { localParticipant } = this.#room ?? {};
    const sent = localParticipant?.getTrackPublication(this.#sources[kind])?.track;
    if (sent && track && sent.mediaStreamTrack !== track) return sent.replaceTrack(track, true);
    if (sent && !track) return localParticipant.unpublishTrack(sent, false);
    if (track && !sent) return localParticipant?.publishTrack(track, { source: this.#sources[kind] });
  }

  /** Ask for the way again, for as long as one is in the visit. */
  #lost(room) {
    if (this.#closed || this.#room !== room) return;
    this.#room = null;
    this.stands(false);
    setTimeout(() => this.#closed || this.#room || this.send("ice"), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}
