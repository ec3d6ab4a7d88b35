#!/usr/bin/env node
import { main } from 'apisec';

const code = await main(process.argv.slice(2));
// A module that was looked at may have opened sockets, which would keep the process alive.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
