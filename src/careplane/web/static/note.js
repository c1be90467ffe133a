// The form of a note: saves while one types, turns the pages of the chart beside it, and, beside a
// video, sends its buttons without leaving the page. Without this the buttons do all of it.

const PAUSE = 1500;
const AGAIN = 8000;

class NoteDraft extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.inside = "inside" in this.dataset;
    this.sending = Promise.resolve();
    this.form.addEventListener("input", () => this.typed());
    this.form.addEventListener("submit", (event) => this.submit(event));
    this.leaving = (event) => this.dirty && event.preventDefault();
    addEventListener("beforeunload", this.leaving);
    if (!this.inside && this.state) watchTabs(this);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    removeEventListener("beforeunload", this.leaving);
  }

  get state() {
    return this.querySelector("[data-state]");
  }

  typed() {
    if (!this.state) return;
    this.dirty = true;
    this.say(this.dataset.typing);
    this.later(PAUSE);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  say(text) {
    const line = this.state.querySelector("[role=status]");
    if (line.textContent !== text) line.textContent = text;
  }

  /** Nothing came of a button. */
  fail() {
    if (this.state) return this.say(this.dataset.failed);
    this.querySelector("[role=alert]")?.remove();
    const line = Object.assign(document.createElement("p"), { className: "problem", textContent: this.dataset.failed });
    line.setAttribute("role", "alert");
    this.prepend(line);
  }

  /** One after the other, so that each is sent with the version that the one before has made. */
  save() {
    clearTimeout(this.timer);
    this.sending = this.sending.then(() => this.dirty && this.send());
    return this.sending;
  }

  async send() {
    this.dirty = false;
    this.busy = true;
    const found = await this.post({ part: "state" }).catch(() => null);
    this.busy = false;
    const state = found?.querySelector("[data-state]");
    if (!state) {
      this.dirty = true;
      this.say(this.dataset.failed);
      this.later(AGAIN);
    } else if (this.dirty) {
      this.state.querySelector("[name=version]").value = state.querySelector("[name=version]").value;
    } else {
      this.state.replaceWith(state);
    }
  }

  /** The answer as elements; only what this site answers itself, not a page to sign in. */
  async post(more, submitter) {
    const body = new URLSearchParams(new FormData(this.form, submitter));
    for (const [name, value] of Object.entries(more)) body.set(name, value);
    const answer = await fetch(this.form.action, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status >= 500) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  async submit(event) {
    const { submitter } = event;
    clearTimeout(this.timer);
    if (!this.inside && !this.busy) {
      this.dirty = false;
      return;
    }
    event.preventDefault();
    await this.sending; // what is on its way has a version that the form needs
    if (!this.inside) return this.form.requestSubmit(submitter);
    const found = await this.post({ part: "form" }, submitter).catch(() => null);
    const made = found?.querySelector("note-draft, [data-done]");
    if (!made) return this.fail();
    this.dirty = false;
    this.replaceWith(document.adoptNode(made));
    (made.querySelector("[role=alert], textarea") ?? made).focus();
  }
}

/** Tabs of the chart, and links to them, change what stands beside the form and leave the form. */
function watchTabs(draft) {
  const tabs = document.querySelector("ul.tabs");
  const tabOf = (link) => link && [...tabs.querySelectorAll("a")].find((tab) => tab.pathname === link.pathname);
  document.querySelector("#frame").addEventListener("click", async (event) => {
    const tab = tabOf(event.target.closest("a[href]"));
    if (!tab || event.ctrlKey || event.metaKey || event.shiftKey || !draft.isConnected) return;
    event.preventDefault();
    event.stopPropagation();
    const answer = await fetch(tab.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const chart = page.querySelector("#chart");
    if (!chart || !page.querySelector("note-draft")) return location.assign(tab.href);
    for (const style of page.head.querySelectorAll("link[rel=stylesheet]"))
      if (!document.head.querySelector(`link[href="${style.getAttribute("href")}"]`)) document.head.append(style);
    document.querySelector("#chart").replaceWith(document.adoptNode(chart));
    tabs.querySelector("[aria-current]")?.removeAttribute("aria-current");
    tab.setAttribute("aria-current", "page");
    history.replaceState(null, "", tab.href);
    document.title = page.title;
    chart.focus({ preventScroll: true });
  }, true);
}

customElements.define("note-draft", NoteDraft);
