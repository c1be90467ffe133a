// Sound and picture from browser to browser: a connection to each other participant.

import { Line } from "./visit-line.js";
import { Link } from "./visit-link.js";

/** `send` says something on the socket, `tile` gives the video element of a peer. */
export class Mesh {
  #links = new Map();
  #way = {};
  #stream;

  constructor({ send, tile }) {
    this.send = send;
    this.tile = tile;
  }

  /** One was let in, or has come back: with whom, by which relays, and what one sends. */
  meet(peers, way, stream) {
    this.#way = way;
    this.#stream = stream;
    for (const peer of peers) {
      const known = this.#links.get(peer.seat);
      known ? known.pc.restartIce() : this.#link(peer, true); // the network is another one
    }
  }

  came(peer) {
    this.#link(peer, false);
  }

  left(seat) {
    this.#links.get(seat)?.pc.close();
    this.#links.delete(seat);
  }

  async heard(seat, said) {
    const link = this.#links.get(seat);
    await link?.heard(said).catch(() => link.pc.restartIce());
  }

  renew({ ice }) {
    this.#way = { ...this.#way, ice };
    for (const { pc } of this.#links.values()) pc.setConfiguration({ ...pc.getConfiguration(), iceServers: ice });
  }

  replace(kind, track, stream) {
    for (const link of this.#links.values()) link.replace(kind, track, stream);
  }

  /** Whether the line to anybody is bad by now. */
  async bad() {
    const all = [...this.#links.values()].map(async ({ line, pc }) => line.look(await pc.getStats()));
    return (await Promise.all(all)).includes(true);
  }

  close() {
    for (const seat of [...this.#links.keys()]) this.left(seat);
  }

  #link(peer, first) {
    const signal = (more) => this.send("signal", { to: peer.seat, ...more });
    const shown = (stream) => {
      const video = this.tile(peer);
      if (video.srcObject !== stream) video.srcObject = stream;
    };
    const link = new Link(peer, this.#way, this.#stream, signal, shown, first);
    link.line = new Line();
    this.#links.set(peer.seat, link);
  }
}
