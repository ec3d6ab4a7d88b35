/**
 * An operation with every parameter of its path written `{}`, so that the patterns of Express, Fastify and Hono
 * (`:id`, `:id(\\d+)`, `:id{[0-9]+}`, `*`, `*rest`) and the templates of OpenAPI (`{id}`) can be compared. What is not
 * a path (`Query.orders`, `/shop.v1.Orders/List`) stays as it is. Linear in the text.
 */
export function templateOf(operation: string): string {
  const space = operation.indexOf(' ');
  if (space < 0) return operation;
  return `${operation.slice(0, space)} ${pathTemplate(operation.slice(space + 1), () => '{}')}`;
}

/** The path in the form of OpenAPI, with its parameters by name: `/orders/{id}`. */
export function openapiPath(path: string): string {
  let wildcards = 0;
  return pathTemplate(path, (name) => `{${name === '' ? `wildcard${++wildcards}` : name}}`);
}

function pathTemplate(path: string, write: (name: string) => string): string {
  let template = '';
  let at = 0;
  while (at < path.length) {
    const character = path[at] as string;
    if (character === ':' || character === '*') {
      const name = nameAt(path, at + 1);
      at += 1 + name.length;
      // A pattern, and whether it may be missing.
      const close = character === ':' ? CLOSES[path[at] ?? ''] : undefined;
      if (close !== undefined) at = endOf(path, at, close);
      if (path[at] === '?') at += 1;
      template += write(name);
    } else if (character === '{' && PARAMETER.test(path.slice(at + 1, at + 2))) {
      const end = path.indexOf('}', at);
      const stop = end < 0 ? path.length : end;
      template += write(path.slice(at + 1, stop));
      at = stop + 1;
    } else {
      // Braces around what is optional in Express 5.
      if (character !== '{' && character !== '}') template += character;
      at += 1;
    }
  }
  return template.length > 1 ? template.replace(/\/$/, '') : template;
}

const PARAMETER = /[A-Za-z0-9_]/;
const CLOSES: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  '(': ')',
  '{': '}',
});

function nameAt(path: string, from: number): string {
  let end = from;
  while (end < path.length && PARAMETER.test(path[end] as string)) end += 1;
  return path.slice(from, end);
}

/** Behind the bracket that closes the one at `from`, nested ones and escapes passed over. */
function endOf(path: string, from: number, close: string): number {
  const open = path[from];
  let depth = 0;
  for (let at = from; at < path.length; at++) {
    if (path[at] === '\\') at += 1;
    else if (path[at] === open) depth += 1;
    else if (path[at] === close) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return path.length;
}
