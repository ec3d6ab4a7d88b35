import { resolve } from 'node:path';
import { type DocumentedOperation, openapiOperations } from '@apisec/core';
import { type Invocation, UsageError } from './command.ts';
import { codeOf, readText } from './files.ts';
import { importBeside } from './load-module.ts';

type Operations = readonly DocumentedOperation[];

/**
 * What documents list that the user names: OpenAPI, a schema of GraphQL, proto files; undefined where none is named.
 *
 * @throws UsageError for a document that cannot be read, and where what reads it is not installed beside the module.
 */
export async function documentedBy({
  positionals,
  text,
  texts,
}: Invocation): Promise<Operations | undefined> {
  const beside = resolve(positionals[0] ?? '.');
  const documented: Operations[] = [];
  const openapi = text('openapi');
  if (openapi !== undefined) documented.push(await openapiIn(openapi, text('base')));
  const schema = text('schema');
  if (schema !== undefined) documented.push(await schemaIn(schema, beside));
  for (const proto of texts('proto')) documented.push(await protoIn(proto, beside));
  return documented.length === 0 ? undefined : documented.flat();
}

async function openapiIn(file: string, base: string | undefined): Promise<Operations> {
  let document: unknown;
  try {
    document = JSON.parse(await readText(file));
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read as JSON: ${messageOf(error)}. Convert YAML first.`,
    );
  }
  return openapiOperations(document, { base });
}

async function schemaIn(file: string, beside: string): Promise<Operations> {
  const { buildSchema } = await importBeside(beside, 'graphql');
  const text = await readText(file).catch((error: unknown) => {
    throw new UsageError(`${file} cannot be read (${codeOf(error, 'no text')}).`);
  });
  const list = await documentedOperationsOf(beside, ['@apisec/graphql', '@apisec/apollo']);
  return read(file, 'a schema of GraphQL', () =>
    list((buildSchema as (text: string) => object)(text)),
  );
}

async function protoIn(file: string, beside: string): Promise<Operations> {
  const { load } = await importBeside(beside, '@grpc/proto-loader');
  const list = await documentedOperationsOf(beside, ['@apisec/grpc']);
  return read(file, 'a proto file', async () =>
    list(await (load as (file: string) => Promise<object>)(file)),
  );
}

/** As the first of these adapters that is installed exports it. */
async function documentedOperationsOf(
  beside: string,
  [adapter = '', ...others]: readonly string[],
): Promise<(document: object) => Operations> {
  try {
    const { documentedOperations } = await importBeside(beside, adapter);
    // Both adapters have it, for documents of their own kind.
    return documentedOperations as (document: object) => Operations;
  } catch (error) {
    if (others.length === 0) throw error;
    return documentedOperationsOf(beside, others);
  }
}

async function read(
  file: string,
  what: string,
  work: () => Operations | Promise<Operations>,
): Promise<Operations> {
  try {
    return await work();
  } catch (error) {
    throw new UsageError(`${file} is not ${what}: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
