// Without a network: the worker that keeps the shell, and drafts of forms. An addition to every page.

const kept = document.querySelector("template#drafts");
const known = localStorage.getItem("drafts-owner");

// Of a page that nobody is signed in at, or that says that something was not done, no form was sent.
if (!kept || document.querySelector("[data-refused]")) sessionStorage.removeItem("drafts-sent");

const needed = () =>
  kept && (known || document.querySelector("form[data-draft]") || sessionStorage.getItem("drafts-sent"));

const care = async () => {
  if (needed()) (await import(kept.dataset.script)).attach(kept);
};
care();
// a page that was swapped in by hx-boost
document.addEventListener("htmx:after:swap", (event) => event.target === document.body && care());

if (document.body.classList.contains("portal") || document.body.dataset.offline)
  navigator.serviceWorker?.register("/worker.js", { scope: "/" }).catch(() => {});

// The page for when there is no network goes back to what was asked for once it can be reached.
if (document.body.dataset.offline && location.pathname !== "/offline")
  setInterval(() => fetch("/offline", { method: "HEAD", cache: "no-store" }).then(() => location.reload(), () => {}), 2000);
