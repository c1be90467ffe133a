// The validator: a file may be chosen or dropped, and what was found is read out first. The page
// works without it.

const field = document.querySelector("#resource");
const place = document.querySelector("[data-drop]");
const MOST = 1_000_000;

async function take(file) {
  if (file && file.size <= MOST) field.value = await file.text();
  field.focus();
}

place.hidden = false;
place.querySelector("input").addEventListener("change", (event) => take(event.target.files[0]));
for (const target of [field, place]) {
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return; // text is dropped as the browser does it
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
}

if (!location.hash) document.querySelector("[data-focus]")?.focus();
