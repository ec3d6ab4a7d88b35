import type { HeadersView } from '../engine/request.ts';
import { parseDictionary } from '../lib/parse-structured-fields.ts';
import type { BareItem, Dictionary, InnerList, Member } from '../lib/structured-fields.ts';

/** Which of several signatures is meant for a policy. */
export interface SignatureChoice {
  readonly label: string | undefined;
  readonly tag: string | undefined;
}

/** A signature as it was presented, and what it says about itself; nothing of it is verified. */
export interface PresentedSignature {
  readonly input: InnerList;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** The components without parameters, by name. */
  readonly covered: ReadonlySet<string>;
  readonly keyid: string;
  readonly alg: string | undefined;
  /** Seconds since 1970, as in `expires`. */
  readonly created: number;
  readonly expires: number | undefined;
  readonly nonce: string | undefined;
}

/** Why there is no signature to verify. */
export type SignatureInputProblem =
  | 'credentials.missing'
  | 'signature.malformed'
  | 'signature.too_large'
  | 'signature.ambiguous';

const MOST_CHARACTERS = 8_192;
const MOST_SIGNATURES = 8;
const MOST_COMPONENTS = 32;
const LONGEST_TEXT = 256;

/**
 * Finds the one signature that is meant for the policy (RFC 9421 §3.2, steps 1 and 2) and reads its parameters.
 * With a `tag` only signatures with that tag count, without one only those without any: a signature that was
 * made for another application is none. Several that are left are denied unless `label` names one.
 */
export function readSignature(
  headers: HeadersView,
  choice: SignatureChoice,
): PresentedSignature | SignatureInputProblem {
  const inputText = headers.get('signature-input') ?? '';
  const signatureText = headers.get('signature') ?? '';
  if (inputText === '' || signatureText === '') {
    return inputText === signatureText ? 'credentials.missing' : 'signature.malformed';
  }
  if (inputText.length > MOST_CHARACTERS || signatureText.length > MOST_CHARACTERS) {
    return 'signature.too_large';
  }
  // A label that appears twice means another signature to a reader that uses the first.
  const inputs = parseDictionary(inputText, 'deny');
  const signatures = parseDictionary(signatureText, 'deny');
  if (inputs === undefined || signatures === undefined) return 'signature.malformed';
  if (inputs.size > MOST_SIGNATURES) return 'signature.too_large';
  const labels = candidates(inputs, choice);
  const [label] = labels;
  if (label === undefined) return 'credentials.missing';
  if (labels.length > 1) return 'signature.ambiguous';
  return read(inputs.get(label), signatures.get(label));
}

function candidates(inputs: Dictionary, { label, tag }: SignatureChoice): readonly string[] {
  return [...inputs]
    .filter(([name, { params }]) => {
      const given = params.get('tag');
      if (label !== undefined && name !== label) return false;
      return tag === undefined ? given === undefined : isText(given) && given.value === tag;
    })
    .map(([name]) => name);
}

function read(
  input: Member | undefined,
  signed: Member | undefined,
): PresentedSignature | SignatureInputProblem {
  if (input === undefined || !('items' in input)) return 'signature.malformed';
  if (signed === undefined || !('bare' in signed)) return 'signature.malformed';
  const { bare } = signed;
  if (bare.type !== 'bytes' || input.items.length > MOST_COMPONENTS) return 'signature.malformed';
  const covered = new Set<string>();
  for (const { bare: component, params } of input.items) {
    if (component.type === 'string' && params.size === 0) covered.add(component.value);
  }
  const { params } = input;
  const created = secondsOf(params.get('created'));
  const expires = secondsOf(params.get('expires'));
  const keyid = textOf(params.get('keyid'));
  const alg = textOf(params.get('alg'));
  const nonce = textOf(params.get('nonce'));
  if (keyid === undefined || created === undefined) return 'signature.malformed';
  // Of these, what is there must be well formed.
  if (params.has('alg') && alg === undefined) return 'signature.malformed';
  if (params.has('nonce') && nonce === undefined) return 'signature.malformed';
  if (params.has('expires') && (expires === undefined || expires < created)) {
    return 'signature.malformed';
  }
  const signature = new Uint8Array(bare.value);
  return { input, signature, covered, keyid, alg, created, expires, nonce };
}

function isText(item: BareItem | undefined): item is BareItem & { readonly value: string } {
  return item?.type === 'string';
}

function textOf(item: BareItem | undefined): string | undefined {
  const isUsable = isText(item) && item.value !== '' && item.value.length <= LONGEST_TEXT;
  return isUsable ? item.value : undefined;
}

function secondsOf(item: BareItem | undefined): number | undefined {
  return item?.type === 'integer' && item.value >= 0 ? item.value : undefined;
}
