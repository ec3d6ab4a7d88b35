import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the examples are. */
export const examples: string = join(import.meta.dirname, '../..');

/** What `npm start` runs in an example. */
export interface Startable {
  readonly name: string;
  readonly scripts: { readonly start?: string; readonly prestart?: string };
}

/** The examples that can be started. */
export const startable: readonly Startable[] = readdirSync(examples)
  .filter((name) => existsSync(join(examples, name, 'package.json')))
  .map((name) => {
    const manifest = JSON.parse(readFileSync(join(examples, name, 'package.json'), 'utf8')) as {
      readonly scripts?: Startable['scripts'];
    };
    return { name, scripts: manifest.scripts ?? {} };
  })
  .filter(({ scripts }) => scripts.start !== undefined);
