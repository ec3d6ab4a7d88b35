/**
 * The GraphQL documents in the text of a script: templates that are tagged with `gql` or `graphql`, also called with
 * one, and templates behind a comment that says GraphQL. What is interpolated is left out: fragments are found by name.
 * Templates in comments are skipped too: no client sends them, so they must not be trusted.
 */
export function documentsInTypescript(text: string): readonly string[] {
  const found: string[] = [];
  TEMPLATE.lastIndex = 0;
  for (let match = TEMPLATE.exec(text); match !== null; match = TEMPLATE.exec(text)) {
    const [begun] = match;
    if (begun === '/*') TEMPLATE.lastIndex = behindComment(text, TEMPLATE.lastIndex);
    if (begun === '/*' || begun.startsWith('//')) continue;
    const { body, end } = templateAt(text, TEMPLATE.lastIndex);
    TEMPLATE.lastIndex = end;
    if (body.trim() !== '') found.push(body);
  }
  return found;
}

/**
 * The beginning of a template, a comment up to the end of its line, or the beginning of another comment. Those begin a
 * line or follow white space or punctuation, as neither `https://` nor a pattern of file names does.
 */
const TEMPLATE =
  /(?:\b(?:gql|graphql)\s*(?:\(\s*)?(?:\/\*\s*GraphQL\s*\*\/\s*)?|\/\*\s*GraphQL\s*\*\/\s*)`|(?<![^\s;,(){}])\/\/.*|(?<![^\s;,(){}])\/\*/g;

function behindComment(text: string, start: number): number {
  const end = text.indexOf('*/', start);
  // It is not a comment then, only text that looks like one.
  return end < 0 ? start : end + 2;
}

/** From behind the backtick that opens it to behind the one that closes it. */
function templateAt(text: string, start: number): { readonly body: string; readonly end: number } {
  let body = '';
  let at = start;
  while (at < text.length) {
    const char = text[at] as string;
    if (char === '`') return { body, end: at + 1 };
    if (char === '\\') {
      const escaped = text[at + 1] ?? '';
      // In GraphQL an escape is its own; only what a template must escape is put back.
      body += escaped === '`' || escaped === '$' || escaped === '\\' ? escaped : char + escaped;
      at += 2;
    } else if (char === '$' && text[at + 1] === '{') at = behindBraces(text, at + 2);
    else {
      body += char;
      at++;
    }
  }
  return { body, end: text.length };
}

function behindBraces(text: string, start: number): number {
  let depth = 1;
  let at = start;
  for (; at < text.length && depth > 0; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}') depth--;
  }
  return at;
}
