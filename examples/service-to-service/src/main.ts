import { start } from './start.ts';

const { tokenOf, orders, bills, nightly, close } = await start();
const alice = { headers: { authorization: `Bearer ${await tokenOf('alice')}` } };
const stolen = await nightly.token();
const thief = { headers: { authorization: `DPoP ${stolen.ok ? stolen.accessToken : ''}` } };

const calls = {
  'alice asks orders, which asks bills for her': () => fetch(orders, alice),
  'alice asks bills with her token for orders': () => fetch(bills, alice),
  'the job asks bills for itself': () => nightly.fetch(bills),
  'a thief with the token of the job': () => fetch(bills, thief),
};
for (const [name, call] of Object.entries(calls)) {
  const response = await call();
  console.log(`${name.padEnd(44)} ${response.status} ${await response.text()}`);
}
close();
