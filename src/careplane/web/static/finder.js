// An answer among many, found as one types: a combobox with a list (ARIA APG, list autocomplete with
// manual selection). Without scripts the field has a button, and the page comes back with matches.

const form = document.querySelector("#fill");
const WAIT = 200;
let open = null; // the field, its list and its live region, while there is a list
let waiting = 0;
let asked = 0;

const fieldOf = (event) => event.target.closest?.("[data-find]");

// The page is rewritten whenever something was chosen, so a field is dressed when it is used.
function dress(field) {
  if (field.getAttribute("role") === "combobox") return;
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", `${field.id}/list`);
}

function close() {
  clearTimeout(waiting);
  asked += 1;
  if (!open) return;
  open.list.remove();
  open.said.remove();
  open.field.setAttribute("aria-expanded", "false");
  open.field.removeAttribute("aria-activedescendant");
  open = null;
}

function opened(field) {
  if (open?.field === field && open.list.isConnected) return open;
  close();
  const list = document.createElement("ul");
  list.id = `${field.id}/list`;
  list.className = "matches";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels[0]?.textContent ?? "");
  list.hidden = true;
  const said = document.createElement("p");
  said.className = "help";
  said.setAttribute("role", "status");
  field.parentElement.after(list, said);
  open = { field, list, said, at: -1 };
  return open;
}

async function look(field) {
  const text = field.value.trim();
  if (text.length < 2) return close();
  const mine = (asked += 1);
  const query = new URLSearchParams({ set: field.dataset.set, find: text });
  const answer = await fetch(`${form.dataset.finds}?${query}`, {
    headers: { accept: "application/json" },
  });
  if (mine !== asked || !answer.ok || document.activeElement !== field) return;
  const { options, more } = await answer.json();
  if (mine === asked) show(field, options, more);
}

function show(field, options, more) {
  const here = opened(field);
  here.list.replaceChildren(
    ...options.map(({ key, text }, number) => {
      const item = document.createElement("li");
      item.id = `${here.list.id}/${number}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.key = key;
      item.dir = "auto";
      item.textContent = text;
      return item;
    }),
  );
  here.at = -1;
  here.list.hidden = options.length === 0;
  field.setAttribute("aria-expanded", String(options.length > 0));
  field.removeAttribute("aria-activedescendant");
  const { sayFound, sayNone, sayMore } = field.dataset;
  const number = sayFound.replace("{number}", options.length);
  here.said.textContent = options.length ? (more ? `${number}. ${sayMore}` : number) : sayNone;
}

function move(step) {
  const items = [...open.list.children];
  if (!items.length) return;
  const from = open.at < 0 && step < 0 ? 0 : open.at;
  items[open.at]?.setAttribute("aria-selected", "false");
  open.at = (from + step + items.length) % items.length;
  const item = items[open.at];
  item.setAttribute("aria-selected", "true");
  item.scrollIntoView({ block: "nearest" });
  open.field.setAttribute("aria-activedescendant", item.id);
}

// What is chosen becomes the chosen option of the page, which then sends itself.
function choose(item) {
  const { field } = open;
  const finder = field.closest("[data-finder]");
  const name = field.name.replace(/\/find$/, "");
  const radio = document.createElement("input");
  radio.type = "radio";
  radio.name = name;
  radio.value = item.dataset.key;
  const text = document.createElement("span");
  text.textContent = item.textContent;
  const label = document.createElement("label");
  label.className = "option";
  label.append(radio, text);
  const options = finder.querySelector(".options");
  for (const one of [...options.children])
    if (!["", "~"].includes(one.firstElementChild.value)) one.remove();
  options.prepend(label);
  field.value = "";
  close();
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("focusin", (event) => fieldOf(event) && dress(fieldOf(event)));
document.addEventListener("focusout", (event) => {
  if (open && event.target === open.field) setTimeout(() => open && document.activeElement !== open.field && close(), 150);
});
document.addEventListener("input", (event) => {
  const field = fieldOf(event);
  if (!field) return;
  dress(field);
  clearTimeout(waiting);
  waiting = setTimeout(look, WAIT, field);
});
document.addEventListener("mousedown", (event) => {
  const item = open && event.target.closest?.("[role=option]");
  if (!item || !open.list.contains(item)) return;
  event.preventDefault(); // the field keeps the focus
  choose(item);
});
document.addEventListener("keydown", (event) => {
  const field = fieldOf(event);
  if (!field || event.isComposing) return;
  const here = open?.field === field && !open.list.hidden;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (here) move(event.key === "ArrowDown" ? 1 : -1);
    else look(field);
  } else if (event.key === "Escape" && open) {
    event.preventDefault();
    close();
  } else if (event.key === "Enter" && here && open.at >= 0) {
    event.preventDefault();
    choose(open.list.children[open.at]);
  } else if (event.key === "Enter" && form.dataset.finds && window.htmx) {
    event.preventDefault();
    look(field);
  }
});
