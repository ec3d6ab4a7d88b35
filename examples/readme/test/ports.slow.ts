import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examples, startable } from '../src/startable.ts';

// The others take whichever port is free.
const FREE = ['auth-server-and-api', 'browser-app', 'demo', 'device', 'service-to-service'];
const listening = startable.filter(({ name }) => !FREE.includes(name));

test.each(listening)(
  'the example $name fails when its port is taken',
  async ({ name, scripts }) => {
    const other = createServer().listen(0);
    await once(other, 'listening');
    // A server that listens over TCP has an address with a port.
    const { port } = other.address() as AddressInfo;
    const [command = '', ...args] = (scripts.start ?? '').split(' ');
    const child = spawn(command === 'node' ? process.execPath : command, args, {
      cwd: join(examples, name),
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const [code] = await once(child, 'close');
    other.close();
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/EADDRINUSE|address already in use|No address added/);
    expect(output).not.toMatch(/^(Orders on|Accounts:|Previews on|Prices on|Books on|Open) /m);
  },
);
