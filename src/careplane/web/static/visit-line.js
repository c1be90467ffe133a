// How good the line is: of what was sent and received between two looks, the part that was lost.

const RECENT = 3; // looks, two seconds apart
export const BAD = 0.3;

/** What of a report (RTCStatsReport, an iterable of [id, stats]) is counted. */
export function counts(report) {
  let [lost, received, away] = [0, 0, 0];
  for (const [, one] of report) {
    if (one.type === "inbound-rtp") {
      lost += one.packetsLost ?? 0;
      received += one.packetsReceived ?? 0;
    }
    if (one.type === "remote-inbound-rtp") away = Math.max(away, one.fractionLost ?? 0);
  }
  return { lost, received, away };
}

/** Remembers the last looks at one connection. */
export class Line {
  #before;
  #losses = [];

  /** Whether the line is bad by now: on the average of the last looks, three tenths are lost. */
  look(report) {
    const now = counts(report);
    const before = this.#before ?? now;
    this.#before = now;
    const lost = Math.max(0, now.lost - before.lost);
    const all = lost + now.received - before.received;
    this.#losses.push(Math.max(now.away, all > 0 ? lost / all : 0));
    if (this.#losses.length > RECENT) this.#losses.shift();
    const sum = this.#losses.reduce((a, b) => a + b, 0);
    return this.#losses.length === RECENT && sum / RECENT >= BAD;
  }
}
