import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api } from './graphql.ts';

export const folder = mkdtempSync(join(tmpdir(), 'apisec-trusted-'));
const page = join(folder, 'page.ts');
writeFileSync(page, 'const PAGE = gql`query Page { viewer { name } }`;\n');
export const files = [page];
export { api };
