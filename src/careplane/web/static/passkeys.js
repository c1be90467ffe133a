// Passkeys: what the server asks goes to the authenticator, and what that answers into the form.
// A form says what it wants by data-passkey ("get" or "create"), and where the options are.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** The options with bytes where the authenticator wants them. */
function opened(options) {
  const list = (name) =>
    options[name]?.map((one) => ({ ...one, id: bytes(one.id) }));
  const user = options.user && { ...options.user, id: bytes(options.user.id) };
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(user && { user, excludeCredentials: list("excludeCredentials") }),
    ...(options.allowCredentials && { allowCredentials: list("allowCredentials") }),
  };
}

/** The credential as JSON. */
function written({ id, rawId, type, response }) {
  const answer = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) answer[name] = text(response[name]);
  }
  return JSON.stringify({ id, rawId: text(rawId), type, response: answer });
}

async function asked(form) {
  const body = new URLSearchParams(new FormData(form));
  body.delete("credential");
  const answer = await fetch(form.dataset.options, { method: "POST", body });
  if (answer.redirected) return location.assign(answer.url); // a fresh proof first
  if (!answer.ok) throw new Error(String(answer.status));
  const publicKey = opened(await answer.json());
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey })
    : navigator.credentials.get({ publicKey });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.passkey) return;
  event.preventDefault();
  const problem = form.querySelector("[data-problem]");
  const button = form.querySelector("button");
  problem.hidden = true;
  button.disabled = true;
  try {
    if (!window.PublicKeyCredential) throw new Error("no passkeys");
    const credential = await asked(form);
    if (!credential) return;
    form.elements.credential.value = written(credential);
    form.submit();
  } catch {
    problem.hidden = false;
    problem.focus();
  } finally {
    button.disabled = false;
  }
});
