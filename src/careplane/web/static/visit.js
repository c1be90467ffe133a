// The video visit: try the devices, join, wait, meet. All words come from the page.

import { Mesh } from "./visit-mesh.js";
import { Recorder } from "./visit-recording.js";

const PING = 15000;
const LOOK = 2000;
const OVER = new Set([1000, 4003]);
const REPLACED = 4001;

class VideoVisit extends HTMLElement {
  #peers = new Map();
  #on = { microphone: true, camera: true, screen: false, poor: false };
  #stream = new MediaStream();
  #pause = 250;
  #done = false;
  #timers = [];

  connectedCallback() {
    this.words = Object.fromEntries(
      [...this.querySelectorAll("[data-word]")].map((one) => [one.dataset.word, one.textContent]),
    );
    this.addEventListener("click", (event) => this.#pressed(event.target.closest("[data-do]")));
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sent(event.target).catch((problem) => this.#alert("failed", { text: problem.message }));
    });
    this.addEventListener("change", ({ target }) => {
      if (target.dataset.device || "audioOnly" in target.dataset) this.ready = this.#devices();
    });
    addEventListener("online", () => this.#socket?.close());
    addEventListener("pagehide", () => this.#socket?.close());
    this.querySelector("[data-do=join]").disabled = false; // pressed before this, it does nothing
    this.ready = this.#devices();
  }

  #socket;
  #media; // how sound and picture go: among browsers, or by a server
  #part = (name) => this.querySelector(`[data-part=${name}]`);
  #find = (name) => this.querySelector(`[data-${name}]`);

  #say(key, values = {}) {
    return this.words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }
  #status(key, values) {
    this.#find("status").textContent = this.#say(key, values);
  }
  #alert(key, values) {
    const place = this.#find("alert");
    place.hidden = !key;
    if (key) place.textContent = this.#say(key, values);
  }
  #send(type, more = {}) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, ...more }));
  }

  // Devices ----------------------------------------------------------------------------------

  async #devices() {
    const only = this.#find("audio-only").checked;
    const chosen = (kind) => {
      const id = this.querySelector(`[data-device=${kind}]`).value;
      return id ? { deviceId: { exact: id } } : true;
    };
    for (const track of this.#stream.getTracks()) track.stop();
    this.#on.camera = !only;
    for (const video of only ? [false] : [chosen("videoinput"), false]) {
      try {
        this.#take(await navigator.mediaDevices.getUserMedia({ audio: chosen("audioinput"), video }));
        this.#on.camera = Boolean(video);
        this.#alert("");
        break;
      } catch {
        this.#alert("nodevices"); // one can still listen and write
      }
    }
    this.#find("preview").srcObject = this.#stream;
    await this.#list();
    this.#loudness();
  }

  #take(stream) {
    this.#stream = stream;
    for (const track of stream.getTracks()) {
      track.onended = () => this.#interrupted(track.kind); // a call came in, or a plug was pulled
    }
  }

  async #interrupted(kind) {
    if (this.#done || (kind === "video" && !this.#on.camera)) return;
    try {
      const again = await navigator.mediaDevices.getUserMedia({ [kind]: true });
      const [track] = again.getTracks();
      this.#give(kind, track);
      track.onended = () => this.#interrupted(kind);
    } catch {
      this.#alert("nodevices");
    }
  }

  /** Another track of our own, to everybody. */
  #give(kind, track) {
    for (const old of this.#stream.getTracks().filter((one) => one.kind === kind)) {
      this.#stream.removeTrack(old);
    }
    if (track) this.#stream.addTrack(track);
    this.#media?.replace(kind, track, this.#stream);
  }

  async #list() {
    const all = await navigator.mediaDevices.enumerateDevices();
    for (const select of this.querySelectorAll("[data-device]")) {
      const before = select.value;
      const options = all.filter((one) => one.kind === select.dataset.device && one.deviceId)
        .map((one) => new Option(one.label || one.deviceId.slice(0, 8), one.deviceId));
      select.replaceChildren(...options);
      if (before) select.value = before;
    }
  }

  #loudness() {
    clearInterval(this.metering);
    if (!this.#stream.getAudioTracks().length) return;
    const audio = (this.audio ??= new AudioContext());
    const analyser = audio.createAnalyser();
    audio.createMediaStreamSource(this.#stream).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    this.metering = setInterval(() => {
      analyser.getByteTimeDomainData(samples);
      this.#find("level").value = Math.max(...samples.map((one) => Math.abs(one - 128))) / 128;
    }, 200);
  }

  // The socket -------------------------------------------------------------------------------

  async #join() {
    this.#status("joining");
    if ("large" in this.dataset) this.#group();
    await this.ready;
    try {
      const shown = await this.#credential();
      const socket = (this.#socket = new WebSocket(this.address));
      socket.onopen = () => this.#send("join", shown);
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        this[`on_${message.type}`]?.(message);
      };
      socket.onclose = ({ code }) => this.#socket === socket && this.#closed(code);
    } catch (problem) {
      this.#alert("failed", { text: problem.message });
      this.#later();
    }
  }

  /** By what one comes: back to one's seat, by a link, or by a ticket. */
  async #credential() {
    const { resume } = this;
    if (resume) {
      this.address = sessionStorage.getItem("visit-socket");
      return { resume, fresh: !this.seat };
    }
    if ("guest" in this.dataset) {
      this.address = `${location.origin.replace(/^http/, "ws")}/fhir/$visits`;
      return { guest: location.hash.slice(1), name: this.#find("name").value.slice(0, 80) };
    }
    const { ticket, url } = await this.#post("ticket");
    this.address = url;
    return { ticket };
  }

  /** One's seat, also after the page was loaded again: by this window alone. */
  get resume() {
    return sessionStorage.getItem(`visit-seat ${location.pathname}${location.hash}`) ?? "";
  }
  set resume(token) {
    sessionStorage.setItem(`visit-seat ${location.pathname}${location.hash}`, token);
    sessionStorage.setItem("visit-socket", this.address);
  }

  async #post(path, options = {}) {
    const answer = await fetch(`${this.dataset.visit}/${path}`, { method: "POST", ...options });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return answer.json();
  }

  #closed(code) {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    if (code === REPLACED) return this.#finish("elsewhere");
    if (OVER.has(code)) return this.#finish("ended");
    if (this.refused) {
      const again = this.refused === "access" && this.resume && !("guest" in this.dataset);
      this.resume = "";
      if (!again) return this.#part("check").removeAttribute("hidden");
      this.refused = "";
    }
    this.#status("again");
    this.#later();
  }

  #later() {
    if (this.#done) return;
    setTimeout(() => this.#join(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, 8000);
  }

  #finish(key) {
    this.#done = true;
    if (key !== "elsewhere") this.resume = "";
    this.#close();
    for (const track of this.#stream.getTracks()) track.stop();
    this.#part("room").hidden = true;
    this.#part("check").hidden = true;
    this.#status(key);
    this.#find("status").focus();
  }

  #close() {
    this.recorder?.stop();
    this.#media?.close();
    this.#media = null;
    this.#peers.clear();
    this.#find("stage").replaceChildren();
  }

  // What is told -----------------------------------------------------------------------------

  on_welcome({ seat, resume }) {
    if (this.seat && this.seat !== seat) this.#close();
    [this.seat, this.resume, this.refused, this.#pause] = [seat, resume, "", 250];
    this.#alert("");
    this.#part("check").hidden = true;
    this.#timers.push(setInterval(() => this.#send("ping"), PING));
  }
  on_pong({ resume }) {
    this.resume = resume;
  }
  on_waiting({ before, seconds, host }) {
    const minutes = Math.ceil(seconds / 60);
    const wait = `wait-${new Intl.PluralRules(document.documentElement.lang).select(minutes)}`;
    const long = before ? `${this.#say("before", { before })} ${this.#say(wait, { minutes })}` : "";
    const more = long || (host ? "" : this.#say("nohost"));
    this.#find("status").textContent = `${this.#say("waiting")} ${more}`;
  }
  async on_admitted({ peers, ice, relay, sfu, resume }) {
    performance.mark("visit-admitted");
    this.resume = resume;
    this.#part("room").hidden = false;
    const own = this.#tile(this.seat, this.#say("you"), true);
    if (own.srcObject !== this.#stream) own.srcObject = this.#stream;
    const here = new Set(peers.map((peer) => peer.seat));
    for (const seat of [...this.#peers.keys()]) if (!here.has(seat)) this.#drop(seat);
    for (const peer of peers) this.#peers.set(peer.seat, peer);
    this.#timers.push(setInterval(() => this.#look(), LOOK));
    this.#tell();
    this.#status("inside");
    const Kind = sfu ? await this.#group() : Mesh;
    if (!(this.#media instanceof Kind)) {
      this.#media?.close();
      this.#media = new Kind({
        send: (type, more) => this.#send(type, more),
        tile: (peer) => this.#tile(peer.seat, peer.name, false),
        stands: (well) => this.#alert(well ? "" : "media"),
      });
    }
    this.#media.meet([...this.#peers.values()], { ice, relay, sfu }, this.#stream);
  }
  on_joined({ peer }) {
    this.#drop(peer.seat);
    this.#peers.set(peer.seat, peer);
    this.#media?.came(peer);
    this.#status("came", peer);
  }
  on_signalled({ seat, description, candidate }) {
    this.#media?.heard?.(seat, { description, candidate });
  }
  on_away({ seat }) {
    this.#status("away", this.#peers.get(seat));
  }
  on_back({ seat }) {
    this.#status("came", this.#peers.get(seat));
  }
  on_left({ seat }) {
    this.#status("left", this.#peers.get(seat));
    this.#drop(seat);
  }
  on_changed({ seat, state }) {
    const peer = this.#peers.get(seat);
    if (peer) peer.state = state;
    this.#stands(seat);
    if (peer && state.poor) this.#status("poor-other", peer);
  }
  on_relays({ ice, sfu }) {
    this.#media?.renew({ ice, sfu });
  }
  on_knocks({ waiting }) {
    const rows = waiting.map(({ seat, name }) => {
      const row = this.#row(name);
      row.append(
        this.#button("admit", this.#say("admit", { name }), seat),
        this.#button("remove", this.#say("refuse", { name }), seat),
      );
      return row;
    });
    this.#find("knocks")?.replaceChildren(...rows);
  }
  on_chatted({ line, name, text }) {
    const row = this.#row(`${name}: ${text}`);
    row.dataset.line = line;
    if (this.dataset.role === "host") row.append(this.#button("keep", this.#say("keep"), line));
    this.#log(row);
  }
  on_kept({ lines }) {
    for (const line of lines) {
      const row = this.querySelector(`[data-line="${line}"]`);
      row?.querySelector("button")?.remove();
      row?.append(Object.assign(document.createElement("b"), { textContent: this.#say("kept") }));
    }
  }
  on_recording({ by, on, asked }) {
    const mine = by === this.seat;
    this.#find("recording").hidden = !on;
    this.#find("asked").hidden = !asked;
    if (asked) this.#find("asked").querySelector("button").focus();
    const button = this.querySelector("[data-do=record]");
    if (button) {
      button.setAttribute("aria-pressed", String(mine && Boolean(by)));
      button.textContent = this.#say(mine && by ? "unrecord" : "record");
    }
    const stop = this.#find("stop");
    if (stop) stop.hidden = !by || asked || mine;
    this.#status(on ? "recorded" : by ? "asking" : "unrecorded");
    if (mine && on) {
      this.recorder ??= new Recorder(this.#find("stage"), (number, body) => this.#piece(number, body));
      this.recorder.start();
    } else {
      this.recorder?.stop();
    }
  }
  async #piece(number, body) {
    try {
      await this.#post(`recording?number=${number}`, { headers: { "content-type": body.type }, body });
      this.#status("piece", { number });
    } catch (problem) {
      this.#alert("failed", { text: problem.message });
    }
  }
  on_filed({ seat, document: at, title }) {
    const row = this.#row(this.#say("filed", { name: this.#peers.get(seat)?.name, title }));
    if ("visit" in this.dataset) {
      const open = Object.assign(document.createElement("a"), { href: `/records/${at}`, target: "_blank", rel: "noopener", textContent: this.#say("open") });
      row.append(open);
    }
    this.#log(row);
  }
  on_problem({ code, text }) {
    this.refused = this.#part("room").hidden || code === "access" ? code : "";
    this.#alert("failed", { text });
    if (code === "busy" || code === "elsewhere") this.refused = "";
  }

  #row(text) {
    const row = document.createElement("li");
    row.append(Object.assign(document.createElement("span"), { textContent: text, dir: "auto" }));
    return row;
  }
  #button(what, text, of) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: text });
    Object.assign(button.dataset, { do: what, of });
    return button;
  }
  #log(row) {
    const log = this.#find("log");
    this.#find("chat").append(row);
    log.scrollTop = log.scrollHeight;
  }

  // Pictures ---------------------------------------------------------------------------------

  /** The way by a server, which is fetched where a visit goes it. */
  async #group() {
    const { Group } = await import(this.dataset.group);
    await (this.library ??= import(this.dataset.library));
    return Group;
  }

  #drop(seat) {
    this.#media?.left(seat);
    this.#peers.delete(seat);
    this.querySelector(`figure[data-seat="${seat}"]`)?.remove();
  }

  /** Under a picture: what of the peer is not to be heard or seen. */
  #stands(seat) {
    const { microphone, camera } = this.#peers.get(seat)?.state ?? { microphone: true, camera: true };
    const off = [!microphone && "muted", !camera && "dark"].filter(Boolean).map((key) => ` · ${this.#say(key)}`);
    const place = this.querySelector(`[data-seat="${seat}"] figcaption span`);
    if (place) place.textContent = off.join("");
  }

  /** The picture of a seat. */
  #tile(seat, name, own) {
    let figure = this.querySelector(`figure[data-seat="${seat}"]`);
    if (!figure) {
      figure = document.createElement("figure");
      figure.dataset.seat = seat;
      const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true, muted: own });
      video.setAttribute("aria-label", name);
      const caption = document.createElement("figcaption");
      caption.append(Object.assign(document.createElement("bdi"), { textContent: name }), document.createElement("span"));
      figure.append(video, caption);
      if (!own && this.dataset.role === "host") {
        const out = this.#button("out", "×", seat);
        out.ariaLabel = out.title = this.#say("refuse", { name });
        figure.append(out);
      }
      this.#find("stage").append(figure);
      this.#stands(seat);
      if (!own) video.requestVideoFrameCallback?.(() => performance.mark("visit-frame"));
    }
    return figure.querySelector("video");
  }

  async #look() {
    if ((await this.#media?.bad()) && this.#on.camera && !this.#on.poor) {
      this.#on.poor = true;
      this.#camera(false);
      this.#alert("poor");
    }
  }

  // What one does ----------------------------------------------------------------------------

  #pressed(button) {
    if (!button) return;
    const { do: what, of } = button.dataset;
    if (what === "join") return this.#join();
    if (what === "leave") return this.#send("leave");
    if (what === "end") return this.#over();
    if (what === "record") return this.#send("record", { on: button.getAttribute("aria-pressed") !== "true" });
    if (what === "agree" || what === "disagree") {
      this.#find("asked").hidden = true;
      return this.#send("agree", { on: what === "agree" });
    }
    if (what === "out") return confirm(button.title) && this.#send("remove", { seat: of });
    if (what === "admit" || what === "remove") return this.#send(what, { seat: of });
    if (what === "keep") return this.#send("keep", { lines: [Number(of)] });
    if (what === "screen") return this.#screen();
    if (what === "camera") {
      this.#on.poor = false;
      return this.#camera(!this.#on.camera);
    }
    this.#on.microphone = !this.#on.microphone;
    for (const track of this.#stream.getAudioTracks()) track.enabled = this.#on.microphone;
    this.#tell();
  }

  /** The last piece of a recording first. */
  async #over() {
    await this.recorder?.stop();
    this.#send("end");
  }

  async #camera(on) {
    this.#on.camera = on;
    this.#on.screen = false;
    for (const track of this.#stream.getVideoTracks()) track.stop();
    let track = null;
    if (on) {
      try {
        [track] = (await navigator.mediaDevices.getUserMedia({ video: true })).getTracks();
        this.#alert("");
      } catch {
        this.#on.camera = false;
        this.#alert("nodevices");
      }
    }
    this.#give("video", track);
    this.#tell();
  }

  async #screen() {
    if (this.#on.screen) return this.#camera(true);
    try {
      const [track] = (await navigator.mediaDevices.getDisplayMedia({ video: true })).getVideoTracks();
      track.onended = () => this.#camera(true);
      for (const old of this.#stream.getVideoTracks()) old.stop();
      this.#give("video", track);
      this.#on.screen = true;
      this.#tell();
    } catch {
      this.#alert("noscreen");
    }
  }

  /** Tell the others, and show on the buttons, what of us is heard and seen. */
  #tell() {
    this.#send("state", this.#on);
    const words = { microphone: ["muted", "unmuted"], camera: ["dark", "bright"], screen: ["show", "stop"] };
    for (const [name, [off, on]] of Object.entries(words)) {
      const button = this.querySelector(`[data-do=${name}]`);
      button.setAttribute("aria-pressed", String(this.#on[name]));
      button.textContent = this.#say(this.#on[name] ? on : off);
    }
  }

  async #sent(form) {
    const values = new FormData(form);
    if ("say" in form.dataset) {
      this.#send("chat", { text: values.get("text") });
      form.reset();
    } else if ("file" in form.dataset) {
      const file = values.get("file");
      const title = encodeURIComponent(file.name.slice(0, 80));
      const headers = { "content-type": file.type };
      const { document: at } = await this.#post(`files?title=${title}`, { headers, body: file });
      this.#send("shared", { document: at, title: file.name.slice(0, 80) });
      this.on_filed({ seat: "", document: at, title: file.name });
      form.reset();
    } else if ("identify" in form.dataset) {
      await this.#post("identity", { body: new URLSearchParams(values) });
      form.hidden = true;
      this.#find("checked").hidden = false;
      this.#find("checked").focus();
    } else if ("invite" in form.dataset) {
      const { url } = await this.#post("invite", { body: new URLSearchParams(values) });
      const link = this.querySelector("#link");
      link.value = url;
      this.#find("link").hidden = false;
      link.select();
    }
  }
}

customElements.define("video-visit", VideoVisit);
