/** What is supplied about a field that is about to be resolved. */
export interface FieldFacts {
  readonly field: {
    /** Schema coordinate of the object type's field, for example `User.email`. */
    readonly coordinate: string;
    /** The object that the field belongs to, as the parent's resolver gave it. */
    readonly source: unknown;
    readonly args: Readonly<Record<string, unknown>>;
  };
}
