import { showOrders } from './command-line.ts';
import { start } from './start.ts';

const { close, ...around } = await start();
process.exitCode = await showOrders({ ...around, print: (line) => console.log(line) });
close();
