// Runs a bundle in the edge VM, on Node: edge-vm.mjs <module of the VM> <bundle> <file for the result>
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [module, bundle, file] = process.argv.slice(2);
setInterval(() => {}, 1_000);
const { EdgeVM } = await import(pathToFileURL(module).href);
const vm = new EdgeVM();
vm.evaluate(readFileSync(bundle, 'utf8'));
writeFileSync(file, JSON.stringify(await vm.evaluate('suite.then(({ run }) => run())')));
process.exit(0);
