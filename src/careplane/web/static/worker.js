// The worker of the installed app: keeps the shell and nothing else. No page of a patient is ever
// kept: pages come from the network or not at all.

const shell = self.shell;
const store = `shell-${shell.version}`;

self.addEventListener("install", (event) => {
  const wanted = shell.files.map((path) => new Request(path, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(store).then((cache) => cache.addAll(wanted)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => Promise.all(names.filter((name) => name !== store).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(old).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  const kept = async () =>
    request.method === "GET"
      ? (await caches.open(store)).match(shell.page)
      : Response.redirect(request.referrer || "/", 303); // so that nothing is sent twice
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(kept));
  else if (request.method === "GET" && pathname.startsWith("/static/"))
    event.respondWith(caches.open(store).then((cache) => cache.match(request)).then((found) => found ?? fetch(request)));
});
