// The pages' own script: trends that can be read off, and focus after a part of a page is changed.
// Everything here is an addition; the pages work without it.

const own = document.querySelector("script[data-plot]").dataset;
let loading;

/** uPlot, fetched when the first plot comes into the page. */
function plotter() {
  loading ??= new Promise((done, failed) => {
    if (!own.plot) return failed(new Error("no uPlot"));
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: own.plotStyle });
    const script = Object.assign(document.createElement("script"), { src: own.plot, onerror: failed });
    script.onload = () => done(window.uPlot);
    document.head.append(style, script);
  });
  return loading;
}

const colour = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();
const { lang, dataset: { zone } } = document.documentElement;
const LOCALE = `${lang === "en" ? "en-GB" : lang}-u-ca-gregory-nu-latn`;

/** Writes moments as the tables do: in the language and the time zone of the page. */
function writer(options) {
  const format = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hourCycle: "h23", ...options });
  const dashed = (text) => text.replace(/(\d) (?=[A-Z])|([a-z]) (?=\d{4})/g, "$1$2-");
  const write = (seconds) => format.format(new Date(seconds * 1000));
  return lang === "en" ? (seconds) => dashed(write(seconds)).replace("Sept", "Sep") : write;
}

const month = { de: "2-digit", ar: "long" }[lang] ?? "short";
const day = { es: "numeric", ar: "numeric" }[lang] ?? "2-digit";
const onDay = writer({ day, month, year: "numeric" });
const atClock = writer({ hour: "2-digit", minute: "2-digit" });

/** 24-Nov-2026 07:12. */
const say = (seconds) => `${onDay(seconds)} ${atClock(seconds)}`;

/** The labels of the axis of time: as much of a date as its steps need. */
function short(times) {
  const step = times.length > 1 ? times[1] - times[0] : 0;
  if (step >= 300 * 86400) return writer({ year: "numeric" });
  if (step >= 27 * 86400) return writer({ month, year: "numeric" });
  return step >= 86400 ? writer({ day, month }) : atClock;
}

// The server learns the browser's time zone, for whoever has not chosen one.
const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (browserZone && !document.cookie.includes(`careplane-browser-zone=${browserZone}`))
  document.cookie = `careplane-browser-zone=${browserZone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;

/** Lines over one axis of time: [times, values of line 1, values of line 2, …], gaps as null. */
function aligned(lines) {
  const times = [...new Set(lines.flatMap((line) => line.points.map(([x]) => x)))].sort((a, b) => a - b);
  const rows = lines.map((line) => {
    const at = new Map(line.points);
    return times.map((x) => at.get(x) ?? null);
  });
  return [times, ...rows];
}

/** The limits of the axis: the values, and what of the reference range is near them. */
function scale(lines) {
  const values = lines.flatMap((line) => line.points.map(([, y]) => y));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) * 0.1 || 1) * 0.5;
  const limits = lines.flatMap((line) => [line.low, line.high]);
  const near = limits.filter((y) => y !== null && y > low - room && y < high + room);
  const [bottom, top] = [Math.min(low, ...near), Math.max(high, ...near)];
  const margin = (top - bottom || 1) * 0.08;
  return [bottom - margin, top + margin];
}

/** The number of a moment with the digits that were sent: 86.0 is not 86. */
const written = (line, moment) => line.points.find(([x]) => x === moment)?.[2];

/** The legend tells the newest values while nothing is pointed at. */
const newest = (plot) => plot.setLegend({ idx: plot.data[0].length - 1 });

class TrendPlot extends HTMLElement {
  async connectedCallback() {
    this.drawing ??= this.firstElementChild;
    try {
      this.uPlot = await plotter();
    } catch {
      return; // the sketch from the server stays
    }
    if (!this.isConnected) return;
    this.draw();
    this.watch = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.watch.observe(this);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.dark.addEventListener("change", this.redraw);
  }

  disconnectedCallback() {
    this.watch?.disconnect();
    this.dark?.removeEventListener("change", this.redraw);
    this.plot?.destroy();
    this.plot = undefined;
  }

  size() {
    const legend = this.querySelector(".u-legend")?.offsetHeight ?? 0;
    return { width: this.clientWidth, height: Math.max(this.clientHeight - legend, 60) };
  }

  draw() {
    const { lines, unit } = JSON.parse(this.dataset.plot);
    const [dim, line] = [colour(this, "--dim"), colour(this, "--line")];
    const font = `12px ${colour(this, "--font")}`;
    const axis = { stroke: dim, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const series = lines.map((one, index) => ({
      label: one.label,
      stroke: colour(this, `--plot-${(index % 2) + 1}`),
      width: 2,
      dash: index % 2 ? [6, 4] : undefined,
      spanGaps: true,
      points: { show: one.points.length <= 40, size: 5 },
      value: (plot, y, _, at) => (y === null ? "–" : `${written(one, plot.data[0][at]) ?? y} ${unit}`),
    }));
    const options = {
      ...this.size(),
      tzDate: (seconds) => this.uPlot.tzDate(new Date(seconds * 1000), zone),
      legend: { show: !this.classList.contains("low") },
      scales: { y: { range: () => scale(lines) } },
      axes: [{ ...axis, size: 30, space: 80, values: (_, times) => times.map(short(times)) }, { ...axis, size: 46, space: 24 }],
      series: [{ label: own.when, value: (_, x) => (x === null ? "–" : say(x)) }, ...series],
      hooks: { ready: [newest], drawClear: [(plot) => this.band(plot, lines)] },
    };
    this.plot?.destroy();
    const box = document.createElement("div");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", this.drawing.getAttribute("aria-label"));
    this.replaceChildren(box);
    this.plot = new this.uPlot(options, aligned(lines), box);
    this.plot.setSize(this.size()); // now that the legend has a height
    this.plot.over.addEventListener("mouseleave", () => queueMicrotask(() => newest(this.plot)));
  }

  /** The reference range, where there is one line and so one range. */
  band(plot, lines) {
    const [{ low, high }] = lines;
    if (lines.length > 1 || (low === null && high === null)) return;
    const { left, top, width, height } = plot.bbox;
    const y = (value, open) => (value === null ? open : plot.valToPos(value, "y", true));
    const from = Math.max(y(high, top), top);
    const to = Math.min(y(low, top + height), top + height);
    if (to <= from) return;
    plot.ctx.fillStyle = colour(this, "--good-band");
    plot.ctx.fillRect(left, from, width, to - from);
  }
}

/** Where the navigation or the tabs are one row that scrolls, show the one that is open. */
const showTab = () => {
  for (const open of document.querySelectorAll(".side [aria-current]")) {
    const row = open.closest("ul");
    if (row && row.scrollWidth > row.clientWidth) open.scrollIntoView({ block: "nearest", inline: "center" });
  }
};
showTab();

// A tab that was swapped in (as the whole body, by hx-boost) is read from its start, as after a page load.
document.addEventListener("htmx:after:swap", (event) => {
  if (event.target === document.body) {
    document.querySelector("#main")?.focus({ preventScroll: true });
    scrollTo(0, 0);
    showTab();
  }
});

// What stands behind # is the key of a health link, or the seat of a guest: to skip must not lose it.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  if (!location.hash || location.hash === "#main") return;
  event.preventDefault();
  document.querySelector("#main").focus();
});

customElements.define("trend-plot", TrendPlot);
