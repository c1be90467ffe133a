// Forms: what is wrong is read out first, and a page that sends itself needs no button for it. What
// is asked next and what is calculated comes from the server.

const form = document.querySelector("#fill");
const problem = document.querySelector("[data-focus]");

if (window.htmx) document.documentElement.classList.add("scripted");
if (problem) problem.focus();

// A link to a question leads into its field, not just to its place.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".summary a[href^='#']");
  const place = link && document.getElementById(link.hash.slice(1));
  const field = place?.querySelector("input:not([type=hidden]), select, textarea");
  if (!field) return;
  event.preventDefault();
  place.scrollIntoView({ block: "center" });
  field.focus({ preventScroll: true });
});

