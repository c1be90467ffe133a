// Drafts of forms that outlive a lost connection: <form data-draft="key">.
//
// What was typed is kept on this device, encrypted with AES-GCM under a key that only a page which the
// server rendered for this person holds; so nobody else reads it here, and it is gone when somebody
// else signs in, when the form was sent, and on sign-out (Clear-Site-Data).

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const text = (bytes) => btoa(String.fromCharCode(...bytes));
const name = (form) => `draft:${form.dataset.draft}`;
const LARGEST = 200_000;
const attached = new WeakSet();

/** What can be kept of a form: no files, nothing hidden, no secret. */
const fields = (form) =>
  [...form.elements].filter(
    (one) => one.name && !["hidden", "file", "password", "submit", "button"].includes(one.type),
  );
const ticked = (field) => ["checkbox", "radio"].includes(field.type);
const read = (form) => fields(form).map((one) => [one.name, ticked(one) ? one.checked : one.value]);
const first = (form) =>
  fields(form).map((one) => [
    one.name,
    ticked(one) ? one.defaultChecked : one.options ? chosen(one) : one.defaultValue,
  ]);
const chosen = (select) => ([...select.options].find((one) => one.defaultSelected) ?? select.options[0])?.value;
const alike = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Whoever is signed in now: what others left is removed. */
function claim(owner) {
  if (localStorage.getItem("drafts-owner") === owner) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
  localStorage.setItem("drafts-owner", owner);
}

async function seal(key, values) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify(values));
  if (plain.length > LARGEST) return "";
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain);
  return `${text(iv)} ${text(new Uint8Array(sealed))}`;
}

async function open(key, sealed) {
  try {
    const [iv, body] = sealed.split(" ").map(bytes);
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, body)));
  } catch {
    return undefined; // of another key, or damaged
  }
}

/** Put values back, field by field of the same name. */
function restore(form, values) {
  const waiting = [...values];
  for (const field of fields(form)) {
    const at = waiting.findIndex(([name]) => name === field.name);
    if (at < 0) continue;
    const [[, value]] = waiting.splice(at, 1);
    if (ticked(field)) field.checked = value;
    else field.value = value;
  }
}

function tell(form, template, which) {
  const notice = template.content.querySelector(which).cloneNode(true);
  form.querySelector(".draft-notice")?.remove();
  form.prepend(notice);
  return notice;
}

async function keep(form, key, template) {
  const forget = () => localStorage.removeItem(name(form));
  const found = localStorage.getItem(name(form));
  const draft = found && (await open(key, found));
  if (draft && alike(read(form), first(form)) && !alike(draft, read(form))) {
    restore(form, draft);
    tell(form, template, "[data-restored]")
      .querySelector("button")
      .addEventListener("click", () => {
        forget();
        form.reset();
        form.querySelector(".draft-notice").remove();
        fields(form)[0]?.focus();
      });
  }
  let timer;
  const start = first(form); // a part that is swapped in later has other defaults
  const save = async () => {
    clearTimeout(timer);
    if (alike(read(form), start)) return forget();
    try {
      localStorage.setItem(name(form), await seal(key, read(form)));
    } catch {
      forget(); // no room
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, 250);
  });
  form.addEventListener("submit", (event) => {
    if (navigator.onLine) return sessionStorage.setItem("drafts-sent", form.dataset.draft);
    event.preventDefault();
    save();
    tell(form, template, "[data-offline]").scrollIntoView({ block: "center" });
  });
}

/** Forget what was sent last, if it was taken: the browser was led on to another page (303), or came
 * to a new one that does not show again what was typed. */
async function settle(key) {
  const sent = sessionStorage.getItem("drafts-sent");
  if (!sent) return;
  sessionStorage.removeItem("drafts-sent");
  const [way] = performance.getEntriesByType("navigation");
  if (way?.type !== "navigate") return;
  const form = document.querySelector(`form[data-draft="${CSS.escape(sent)}"]`);
  const kept = localStorage.getItem(`draft:${sent}`);
  const typed = kept && (await open(key, kept));
  const now = form && read(form);
  const again = typed && now && typed.every((one) => now.some((other) => alike(one, other)));
  if (way.redirectCount || !again) localStorage.removeItem(`draft:${sent}`);
}

/** Care for the forms of this page; `template` holds the secret and the words. */
export async function attach(template) {
  if (!crypto.subtle) return; // only where the connection is trusted
  const secret = bytes(template.dataset.secret);
  const owner = text(new Uint8Array(await crypto.subtle.digest("SHA-256", secret))).slice(0, 16);
  claim(owner);
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt", "decrypt"]);
  await settle(key);
  for (const form of document.querySelectorAll("form[data-draft]")) {
    if (attached.has(form)) continue;
    attached.add(form);
    await keep(form, key, template);
  }
}
