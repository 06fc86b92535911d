// Has the device make a passkey or sign with one, and sends its answer with the form. Where this cannot run, the page says what to do instead.
"use strict";

for (const form of document.querySelectorAll("form[data-passkey]")) offer(form);

function offer(form) {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  form.hidden = false;
  for (const excuse of document.querySelectorAll("[data-no-passkeys]")) excuse.hidden = true;
  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", async event => {
    event.preventDefault();
    status.textContent = form.dataset.waiting;
    try {
      const asked = await fetch(form.dataset.question, { headers: { Accept: "application/json" } });
      if (!asked.ok || asked.redirected) return location.reload();
      const answer = await navigator.credentials[form.dataset.passkey]({ publicKey: read(await asked.json()) });
      form.elements.credential.value = JSON.stringify(written(answer));
      form.submit();
    } catch {
      status.textContent = form.dataset.failed;
    }
  });
}

// Browsers speak of bytes, pages of base64url.
function read(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const known of [...(options.allowCredentials || []), ...(options.excludeCredentials || [])]) known.id = bytes(known.id);
  return options;
}

function written({ id, rawId, type, response }) {
  const parts = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (response[part]) parts[part] = base64url(response[part]);
  return { id, rawId: base64url(rawId), type, response: parts, clientExtensionResults: {} };
}

function bytes(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), sign => sign.charCodeAt(0));
}

function base64url(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
