import type { DocumentWork } from './document-work.ts';

/** Characters, tokens and brackets that are read at most. */
export interface TextBounds {
  readonly maxCharacters: number;
  readonly maxTokens: number;
  readonly maxNesting: number;
}

/**
 * Counts tokens and nesting as the lexer would see them, without making any. What is not GraphQL is counted somehow:
 * the parser will say so.
 */
export function scanText(
  text: string,
  { maxCharacters, maxTokens, maxNesting }: TextBounds,
  work: DocumentWork,
): 'large' | 'deep' | undefined {
  const { length } = text;
  work.characters += length;
  if (work.characters > maxCharacters) return 'large';
  let depth = 0;
  let at = 0;
  while (at < length) {
    const char = text.charCodeAt(at);
    if (isIgnored(char)) {
      at++;
      continue;
    }
    if (char === 35 /* # */) {
      while (at < length && !isLineEnd(text.charCodeAt(at))) at++;
      continue;
    }
    if (++work.tokens > maxTokens) return 'large';
    if (char === 34 /* " */) at = endOfString(text, at);
    else if (isWord(char) || char === 45 /* - */) at = endOfWord(text, at);
    else if (text.startsWith('...', at)) at += 3;
    else {
      if (char === 123 || char === 91 || char === 40) {
        if (++depth > maxNesting) return 'deep';
      } else if (char === 125 || char === 93 || char === 41) depth--;
      at++;
    }
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  if (text.startsWith('"""', start)) {
    for (let at = start + 3; ; at += 4) {
      at = text.indexOf('"""', at);
      if (at < 0) return text.length;
      if (text.charCodeAt(at - 1) !== 92 /* \ */) return at + 3;
      at -= 1;
    }
  }
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 92 /* \ */) at++;
    else if (char === 34 || isLineEnd(char)) return at + 1;
  }
  return text.length;
}

function isIgnored(char: number): boolean {
  return char === 32 || char === 44 || char === 9 || isLineEnd(char) || char === 0xfe_ff;
}

function isLineEnd(char: number): boolean {
  return char === 10 || char === 13;
}

/** Of a name or a number. What follows without a blank is another token: `1-1` are two, and `...F...G` are four. */
function endOfWord(text: string, start: number): number {
  const first = text.charCodeAt(start);
  const isNumber = first === 45 || isDigit(first);
  let at = start + 1;
  for (; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (isWord(char)) continue;
    if (!isNumber) break;
    const before = text.charCodeAt(at - 1) | 32;
    const isExponent = (char === 43 || char === 45) && before === 101; /* e */
    const isPoint = char === 46 && isDigit(text.charCodeAt(at + 1));
    if (!isExponent && !isPoint) break;
  }
  return at;
}

function isDigit(char: number): boolean {
  return char >= 48 && char <= 57;
}

function isWord(char: number): boolean {
  return isDigit(char) || (char >= 65 && char <= 90) || (char >= 97 && char <= 122) || char === 95;
}
