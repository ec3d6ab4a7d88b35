/** These ask `process` for the memory that they took. */
const OF_MEMORY = [
  'limits/memory-limit-store.test.ts > a flood of keys > takes no memory, and neither do denials and questions',
  'limits/memory-limit-store.test.ts > takes at most 100 bytes for each caller that it was made for',
];

/** What a runtime itself does otherwise than the standards or than a server, where a test compares with it. */
export const departures = {
  // `new URL('http://[::0:]/')` does not throw there, which the test takes for an address that we fail to read.
  bun: ['lib/addresses.test.ts > reading never throws, and what it reads it reads as a URL does'],
  'edge-vm': [
    // Its TextEncoder makes arrays of another realm, whose class differs.
    'lib/base64url.test.ts > decodeBase64url > cuts a part out of a longer text',
    ...OF_MEMORY,
  ],
  chromium: [
    // Pages do not see Set-Cookie.
    'host/guard-fetch.test.ts > a response that goes out > keeps its status text, its cookies and what the handler has set itself',
    'http/require-csrf-token.test.ts > a token > comes with the first safe call, in a cookie of this host that no cache keeps',
    'http/require-csrf-token.test.ts > a token > is renewed after half of its time, and an open page goes on with the old one',
    'http/require-csrf-token.test.ts > a token > that expired is replaced with the denial, so that a client may try again',
    'http/require-csrf-token.test.ts > secrets > are changed one after the other without denying anybody',
    'conformance: protect() > requests > a page that sends the token of its session back may change something',
    'conformance: Hono > requests > a page that sends the token of its session back may change something',
    // The error of a body that breaks off has other words.
    'host/guard-fetch.test.ts > the end of a call > is aborted when the caller goes away, failed when the body breaks off',
    // Hosts and addresses that are none pass for some in its URL.
    'lib/addresses.test.ts > reading never throws, and what it reads it reads as a URL does',
    'possession/proof-target.test.ts > "https://exa%20mple.com/" is no target',
    ...OF_MEMORY,
  ],
};
