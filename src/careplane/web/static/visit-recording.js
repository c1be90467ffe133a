// Records what is seen and heard in a visit, in pieces that play by themselves, and hands each over.

const PIECE = 60_000;
const [WIDTH, HEIGHT, FRAMES] = [640, 360, 10];
const KIND = "video/webm";

export class Recorder {
  #number = 0;
  #timers = [];

  /** `figures` has the pictures and their sound, `keep(number, blob)` takes a piece. */
  constructor(figures, keep) {
    this.figures = figures;
    this.keep = keep;
    this.canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  }

  start() {
    if (this.#timers.length) return;
    this.audio = new AudioContext();
    this.mixed = this.audio.createMediaStreamDestination();
    this.heard = new Map();
    this.#draw();
    this.#timers = [setInterval(() => this.#draw(), 1000 / FRAMES), setInterval(() => this.#next(), PIECE)];
    this.stream = new MediaStream([
      ...this.canvas.captureStream(FRAMES).getVideoTracks(), ...this.mixed.stream.getAudioTracks(),
    ]);
    this.#next();
  }

  /** Resolves when the last piece was handed over. */
  async stop() {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    const last = this.#end();
    this.audio?.close();
    await last;
  }

  #next() {
    this.#end();
    const piece = new MediaRecorder(this.stream, { mimeType: KIND, videoBitsPerSecond: 400_000 });
    const parts = [];
    piece.ondataavailable = ({ data }) => data.size && parts.push(data);
    piece.done = new Promise((done) => {
      piece.onstop = async () => {
        this.#number += 1;
        if (parts.length) await this.keep(this.#number, new Blob(parts, { type: KIND }));
        done();
      };
    });
    piece.start();
    this.piece = piece;
  }

  #end() {
    const { piece } = this;
    this.piece = null;
    if (!piece) return undefined;
    piece.stop();
    return piece.done;
  }

  #draw() {
    const paper = this.canvas.getContext("2d");
    const videos = [...this.figures.querySelectorAll("video")];
    const across = Math.ceil(Math.sqrt(videos.length || 1));
    const [wide, high] = [WIDTH / across, HEIGHT / across];
    paper.clearRect(0, 0, WIDTH, HEIGHT);
    videos.forEach((video, at) => {
      paper.drawImage(video, (at % across) * wide, Math.floor(at / across) * high, wide, high);
      this.#hear(video.srcObject);
    });
  }

  #hear(stream) {
    const [track] = stream?.getAudioTracks() ?? [];
    if (!track || this.heard.has(track.id)) return;
    this.heard.set(track.id, track);
    this.audio.createMediaStreamSource(new MediaStream([track])).connect(this.mixed);
  }
}
