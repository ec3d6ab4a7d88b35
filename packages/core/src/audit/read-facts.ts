const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});
/** Root fields of one operation that an event names. */
const FIELDS = 24;

/** Only the code that adds facts vouches for their types. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : NOTHING;
}

/** Who calls, as the facts say it: texts, or whatever stands in their place. Each is read once. */
export interface Identity {
  readonly principal: unknown;
  readonly subject: unknown;
  readonly issuer: unknown;
  readonly client: unknown;
  readonly tenant: unknown;
  readonly authentication: unknown;
  readonly apiKey: unknown;
  readonly apiVersion: unknown;
}

export function identityOf(facts: Readonly<Record<string, unknown>>): Identity {
  const principal = objectOf(facts['principal']);
  const tenant = facts['tenant'];
  const version = facts['apiVersion'];
  return {
    principal: principal['id'],
    subject: principal['subject'],
    issuer: principal['issuer'],
    client: principal['clientId'],
    tenant: (typeof tenant === 'string' ? tenant : objectOf(tenant)['id']) ?? principal['tenant'],
    authentication: objectOf(facts['authentication'])['method'],
    apiKey: objectOf(facts['apiKey'])['id'],
    apiVersion: typeof version === 'string' ? version : objectOf(version)['version'],
  };
}

/** What is called. */
export interface Called {
  readonly protocol: unknown;
  readonly operation: unknown;
  /** Of GraphQL: the field that was decided, or the root fields, where the operation's name is the client's choice. */
  readonly coordinates: unknown;
}

export function calledOf(facts: Readonly<Record<string, unknown>>): Called {
  const call = objectOf(facts['call']);
  const { coordinate } = objectOf(facts['field']) as { readonly coordinate?: unknown };
  // Where a field below the root was decided, it says more than the root fields above it.
  const isNamed = typeof coordinate === 'string' && coordinate !== '';
  return {
    protocol: call['protocol'],
    operation: call['operation'],
    coordinates: isNamed ? coordinate : rootFieldsOf(call['fields']),
  };
}

function rootFieldsOf(fields: unknown): string {
  if (!Array.isArray(fields)) return '';
  if (fields.length === 1) return textOf(fields[0]);
  const coordinates = new Set<string>();
  for (const field of fields.slice(0, FIELDS)) {
    const coordinate = textOf(field);
    if (coordinate !== '') coordinates.add(coordinate);
  }
  return [...coordinates].join(',');
}

function textOf(field: unknown): string {
  const { coordinate } = objectOf(field) as { readonly coordinate?: unknown };
  return typeof coordinate === 'string' ? coordinate : '';
}

/** The address of the peer, or whatever stands in its place. */
export function peerOf(facts: Readonly<Record<string, unknown>>): unknown {
  return objectOf(facts['peer'])['address'];
}
