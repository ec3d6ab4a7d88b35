import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type DocumentNode, type OperationDefinitionNode, parse, validate } from 'graphql';
import { analyses, documentOf, schema } from '../graphql/documents.ts';

/** What the first long documents of a process cost, beside later ones. Each line is a process of its own. */
const PROCESSES = 5;
const DOCUMENTS = 30;
/** Nearly as many as `maxTokens` allows by default. */
const TOKENS = 9_900;
/** Set in the processes that measure, to what they measure. */
const OWN = 'APISEC_FIRST_DOCUMENTS';

const KINDS: Readonly<Record<string, (text: string, document: DocumentNode) => unknown>> = {
  'GraphQL.js alone': () => undefined,
  'with the guard': (text, document) => {
    const operation = document.definitions[0] as OperationDefinitionNode;
    return analyses['here, with bounds']({ text, tokens: TOKENS, document, operation });
  },
};

/** Milliseconds of CPU for each of the documents, of which this process knows none. */
function costsHere(analyze: (text: string, document: DocumentNode) => unknown): number[] {
  const text = readFileSync(0, 'utf8');
  return Array.from({ length: DOCUMENTS }, () => {
    const began = process.cpuUsage();
    const document = parse(text);
    validate(schema, document);
    analyze(text, document);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1_000;
  });
}

function costsElsewhere(name: string, input: string): number[] {
  const answer = execFileSync(process.execPath, [...process.execArgv, import.meta.filename], {
    input,
    env: { ...process.env, [OWN]: name },
    encoding: 'utf8',
  });
  return JSON.parse(answer) as number[];
}

const own = KINDS[process.env[OWN] ?? ''];
if (own !== undefined) console.log(JSON.stringify(costsHere(own)));
else {
  const { text } = documentOf(TOKENS);
  for (const name of Object.keys(KINDS)) {
    for (let at = 0; at < PROCESSES; at++) {
      const costs = costsElsewhere(name, text);
      const first = costs[0] ?? 0;
      const later = costs.slice(-10).toSorted((a, b) => a - b)[5] ?? 0;
      console.log(
        `${name}: the first ${first.toFixed(0)} ms of CPU, later ones ${later.toFixed(0)}, ${(first / later).toFixed(1)} times as long`,
      );
    }
  }
}
