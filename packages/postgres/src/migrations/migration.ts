/** One step of the schema. Steps are only ever added: what was released is never changed. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** PL/pgSQL statements; `schema` is quoted already. */
  readonly statements: (schema: string) => string;
}
