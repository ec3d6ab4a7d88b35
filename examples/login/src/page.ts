/** The page: what it does is in functions, so that the buttons and the test call the same ones. */
export const page = `<!doctype html><html lang="en"><title>Account</title>
<h1>Account</h1>
<form id="login">
  <input name="identifier" autocomplete="username webauthn" value="alice@example.com">
  <input name="password" type="password" autocomplete="current-password">
  <button>Sign in</button> <button type="button" id="passkey">Sign in with a passkey</button>
</form>
<p><button id="add-passkey">Add a passkey</button> <button id="again">Prove it again</button>
<button id="sessions">Sessions</button>
<button id="out">Sign out everywhere</button></p>
<pre id="said"></pre>
<script>
const ask = async (method, path, body) => {
  const response = await fetch(path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const said = { http: response.status, ...(text && { body: JSON.parse(text) }) };
  document.getElementById('said').textContent = JSON.stringify(said, null, 2);
  return said;
};
const withPassword = (identifier, password) =>
  ask('POST', '/login/password', { identifier, password });
const next = (step) => ask('POST', '/login/next', step);
// One question at a time: what is offered beside the form ends with the next one.
let offer;
const onlyQuestion = () => {
  offer?.abort();
  offer = new AbortController();
  return offer.signal;
};
const withPasskey = async (ticket, mediation) => {
  const signal = onlyQuestion();
  const { body } = await ask('POST', '/login/passkey', ticket ? { ticket } : {});
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(body.options);
  const credential = await navigator.credentials.get({ publicKey, mediation, signal });
  return next({ ticket: body.ticket, method: 'passkey', response: credential.toJSON() });
};
// The browser offers passkeys where the name is typed (conditional UI).
const offerPasskeys = async () => {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return undefined;
  return withPasskey(undefined, 'conditional').catch(() => undefined);
};
const again = async () => withPasskey((await ask('POST', '/account/again', {})).body.ticket);
const addPasskey = async () => {
  const { body } = await ask('POST', '/account/passkey', {});
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(body.options);
  const credential = await navigator.credentials.create({ publicKey, signal: onlyQuestion() });
  const response = credential.toJSON();
  return ask('POST', '/account/passkey/register', { ticket: body.ticket, response });
};
const on = (id, type, what) => document.getElementById(id).addEventListener(type, what);
on('login', 'submit', async (event) => {
  event.preventDefault();
  const { identifier, password } = Object.fromEntries(new FormData(event.target));
  const first = await withPassword(identifier, password);
  if (first.body?.status !== 'requires_mfa') return;
  const { ticket, methods } = first.body;
  if (methods.includes('passkey')) await withPasskey(ticket);
  else await next({ ticket, method: 'totp', code: prompt('Code') });
});
on('passkey', 'click', () => withPasskey());
on('add-passkey', 'click', addPasskey);
on('again', 'click', again);
on('sessions', 'click', () => ask('GET', '/account/sessions'));
on('out', 'click', () => ask('POST', '/account/sign-out-everywhere', {}));
const offered = offerPasskeys();
</script></html>`;
