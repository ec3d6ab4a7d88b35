// Loaded before a block: its issuer exists under a name that nobody resolves, so calls to it go to a local one.
const { ISSUER_NAME = '', ISSUER_URL = '' } = process.env;
const { fetch } = globalThis;

globalThis.fetch = (input, init) => {
  const url = input instanceof Request ? input.url : String(input);
  return url.startsWith(`${ISSUER_NAME}/`)
    ? fetch(url.replace(ISSUER_NAME, ISSUER_URL), init)
    : Promise.reject(new Error(`${url} is not on this machine.`));
};
