import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { type AttributesOf, defineSource, type FieldMap } from './attributes.ts';

/** Options of {@link subject} and {@link environment}. */
export interface SourceOptions<Fields extends FieldMap, Needs extends object> {
  readonly fields: Fields;
  /**
   * The values, from the facts. They are checked against `fields` when a rule asks for them, so claims can be
   * handed on as they are. A throw makes all of them undecidable.
   */
  readonly of: (facts: Readonly<Needs>) => { readonly [Name in keyof Fields]?: unknown };
}

/**
 * Says what rules can ask about the caller. Answers one selector for each field; a name that is not there does
 * not compile.
 *
 * @throws ConfigurationError for a field without a valid name or type, or without `of`.
 * @example
 * const caller = subject({
 *   fields: {
 *     id: field.text(),
 *     department: field.text({ optional: true }),
 *     roles: field.list(field.text()),
 *   },
 *   of: ({ principal, authentication }: AuthenticatedFacts) => ({
 *     id: principal.id,
 *     department: authentication.claims['department'],
 *     roles: principal.roles,
 *   }),
 * });
 */
export function subject<const Fields extends FieldMap, Needs extends object>(
  options: SourceOptions<Fields, Needs>,
): AttributesOf<Fields, Needs> {
  return source('subject', options);
}

/**
 * Says what rules can ask about the circumstances of a call: the device, the state of an incident, a flag. Time,
 * network and `acr` are there already (`rule.during`, `rule.peerIn`, `rule.acr`).
 *
 * @throws ConfigurationError for a field without a valid name or type, or without `of`.
 * @example
 * const device = environment({
 *   fields: { managed: field.boolean({ optional: true }) },
 *   of: ({ authentication }: AuthenticatedFacts) => ({ managed: authentication.claims['device_managed'] }),
 * });
 */
export function environment<const Fields extends FieldMap, Needs extends object>(
  options: SourceOptions<Fields, Needs>,
): AttributesOf<Fields, Needs> {
  return source('environment', options);
}

function source<Fields extends FieldMap, Needs extends object>(
  name: 'subject' | 'environment',
  options: SourceOptions<Fields, Needs>,
): AttributesOf<Fields, Needs> {
  assertKnownOptions(name, options, ['fields', 'of']);
  const { fields, of } = options;
  assertConfiguration(
    typeof of === 'function',
    `${name}: of must be a function of the facts that answers the values of the fields.`,
  );
  // A policy's needs are checked where it is used.
  const { attributes } = defineSource(name, name, fields, of as (facts: object) => unknown);
  // One attribute for each field, as defineSource makes them.
  return attributes as AttributesOf<Fields, Needs>;
}
