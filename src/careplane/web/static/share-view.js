// Opens a SMART Health Link of this server: the manifest, then its files, decrypted here (JWE, dir,
// A256GCM). The key stands behind # and never leaves the browser. What is shown is built from text;
// of a narrative only plain elements are taken, without their attributes.

const words = document.getElementById("words").dataset;
const form = document.getElementById("open");
const wrong = document.getElementById("wrong");
const busy = document.getElementById("busy");
const shown = document.getElementById("shown");
const PLAIN = new Set(["p", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "b", "i", "br", "h3", "h4"]);

const SYSTEMS = { "http://loinc.org": "LOINC", "http://hl7.org/fhir/sid/cvx": "CVX", "http://snomed.info/sct": "SNOMED CT" };

const DATE = /^\d{4}(-\d\d){0,2}$/;

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const parse = (data) => JSON.parse(new TextDecoder().decode(data));

function say(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function payload() {
  const found = location.hash.match(/shlink:\/([A-Za-z0-9_-]+)$/);
  if (!found) return null;
  try {
    const read = parse(bytes(found[1]));
    return typeof read.url === "string" && typeof read.key === "string" && read.key.length === 43 ? read : null;
  } catch {
    return null;
  }
}

async function decrypted(compact, key) {
  const [head, , nonce, sealed, tag] = compact.trim().split(".");
  const header = parse(bytes(head));
  if (header.alg !== "dir" || header.enc !== "A256GCM") throw new Error("algorithm");
  const secret = await crypto.subtle.importKey("raw", bytes(key), "AES-GCM", false, ["decrypt"]);
  const joined = new Uint8Array([...bytes(sealed), ...bytes(tag)]);
  const how = { name: "AES-GCM", iv: bytes(nonce), additionalData: new TextEncoder().encode(head), tagLength: 128 };
  const plain = await crypto.subtle.decrypt(how, secret, joined);
  if (!header.zip) return [header.cty, new Uint8Array(plain)];
  if (header.zip !== "DEF") throw new Error("zip");
  const stream = new Blob([plain]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return [header.cty, new Uint8Array(await new Response(stream).arrayBuffer())];
}

async function fetched(link, recipient, passcode) {
  if (link.flag?.includes("U")) {
    const answer = await fetch(`${link.url}?recipient=${encodeURIComponent(recipient)}`);
    if (!answer.ok) throw answer;
    return [await decrypted(await answer.text(), link.key)];
  }
  const body = JSON.stringify({ recipient, ...(passcode ? { passcode } : {}) });
  const answer = await fetch(link.url, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  if (!answer.ok) throw answer;
  const { files } = await answer.json();
  return Promise.all(files.map(async (file) => {
    if (file.embedded) return decrypted(file.embedded, link.key);
    const more = await fetch(file.location);
    if (!more.ok) throw more;
    return decrypted(await more.text(), link.key);
  }));
}

function narrative(div) {
  const read = new DOMParser().parseFromString(div, "application/xhtml+xml");
  const copied = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
    if (node.nodeType !== Node.ELEMENT_NODE) return [];
    const inside = [...node.childNodes].flatMap(copied);
    return PLAIN.has(node.localName) ? [element(node.localName, "", ...inside)] : inside;
  };
  return read.querySelector("parsererror") ? [] : copied(read.documentElement);
}

function named(patient) {
  const name = patient?.name?.find((one) => one.use === "official") ?? patient?.name?.[0] ?? {};
  return name.text ?? [...(name.given ?? []), name.family].filter(Boolean).join(" ");
}

function document_(bundle) {
  const all = (bundle.entry ?? []).map((one) => one.resource);
  const composition = all.find((one) => one.resourceType === "Composition");
  const patient = all.find((one) => one.resourceType === "Patient");
  const head = element("section");
  head.className = "card";
  const name = element("h2");
  name.append(element("bdi", named(patient)));
  const born = patient?.birthDate ? `${words.born} ${patient.birthDate}` : "";
  const made = composition?.date ? `${words.made} ${composition.date.slice(0, 16).replace("T", " ")} UTC` : "";
  head.append(name, element("p", [born, made].filter(Boolean).join(" · ")));
  const sections = (composition?.section ?? []).map((one) => {
    const card = element("section", "", element("h3", one.title), ...narrative(one.text?.div ?? "<p/>"));
    card.className = "card";
    for (const table of card.querySelectorAll("table")) {
      const wide = element("div");
      wide.className = "wide";
      wide.tabIndex = 0;
      wide.setAttribute("role", "region");
      wide.setAttribute("aria-label", one.title);
      table.replaceWith(wide);
      wide.append(table);
    }
    return card;
  });
  return [head, ...sections];
}

async function card(file) {
  const found = await Promise.all(file.verifiableCredential.map(async (jws) => {
    const packed = new Blob([bytes(jws.split(".")[1])]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const { vc } = parse(await new Response(packed).arrayBuffer());
    const all = vc.credentialSubject.fhirBundle.entry.map((one) => one.resource);
    const rows = all.filter((one) => one.resourceType !== "Patient").map((one) => {
      const concept = one.vaccineCode ?? one.code ?? {};
      const value = one.valueQuantity ? `${one.valueQuantity.value} ${one.valueQuantity.unit ?? one.valueQuantity.code ?? ""}` : one.valueCodeableConcept?.coding?.[0]?.code ?? one.valueString ?? "";
      const coding = concept.coding?.[0] ?? {};
      const what = concept.text ?? coding.display ?? [SYSTEMS[coding.system], coding.code].filter(Boolean).join(" ");
      return element("li", [what, value, one.occurrenceDateTime ?? one.effectiveDateTime ?? ""].filter(Boolean).join(" · "));
    });
    return [element("p", named(all.find((one) => one.resourceType === "Patient"))), element("ul", "", ...rows)];
  }));
  const made = element("section", "", element("h3", words.card), ...found.flat());
  made.className = "card";
  return [made];
}

function saved(kind, data) {
  const link = element("a", words.save);
  link.className = "button";
  link.href = URL.createObjectURL(new Blob([data], { type: kind }));
  link.download = kind.includes("card") ? "record.smart-health-card" : "patient-summary.json";
  return link;
}

async function open(link) {
  const recipient = form.recipient.value.trim();
  say("");
  busy.textContent = words.busy;
  try {
    const files = await fetched(link, recipient, form.code.value.trim());
    const parts = await Promise.all(files.map(async ([kind, data]) => {
      const content = parse(data);
      const made = kind.includes("card") ? await card(content) : document_(content);
      return [...made, saved(kind, data)];
    }));
    form.hidden = true;
    shown.replaceChildren(...parts.flat());
    for (const cell of shown.querySelectorAll("td")) cell.classList.toggle("nowrap", DATE.test(cell.textContent));
    shown.focus({ preventScroll: true });
    scrollTo(0, 0);
  } catch (error) {
    if (error instanceof Response && error.status === 401) {
      const { remainingAttempts: left } = await error.json();
      say(left ? `${words.wrong} ${left}` : words.gone);
    } else if (error instanceof Response && error.status === 404) say(words.gone);
    else if (error instanceof Response && error.status === 429) say(words.slow);
    else say(words.failed);
  } finally {
    busy.textContent = "";
  }
}

function begin() {
  const link = payload();
  shown.replaceChildren();
  form.hidden = true;
  if (!link) return say(words.none);
  if (!globalThis.isSecureContext) return say(words.insecure);
  if (new URL(link.url).origin !== location.origin) return say(words.elsewhere);
  if (link.exp && link.exp * 1000 < Date.now()) return say(words.gone);
  say("");
  const asks = link.flag?.includes("P") ?? false;
  document.getElementById("asks").hidden = !asks;
  form.code.required = asks;
  if (link.label) document.getElementById("for").textContent = link.label;
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    open(link);
  };
}

addEventListener("hashchange", begin);
begin();
