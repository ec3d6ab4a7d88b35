import { start } from './start.ts';

const { shop, open, api, evil } = await start();
console.log(`The shop:              ${shop}/`);
console.log(`Its API:               ${api}/orders`);
console.log(`The shop, unprotected: ${open}/?name=<script>alert(1)</script>`);
console.log(`A page of a stranger:  ${evil}/`);
