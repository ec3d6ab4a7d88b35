import type { AnyAttribute, LeafData, ListOperand, Operand, RuleData } from './rule-data.ts';

const SIGNS = { eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

/** A rule as text. */
export function printParsed(data: RuleData): string {
  if (data.rule === 'all') return data.of.map(inGroup).join(' && ');
  if (data.rule === 'any') return data.of.map(inGroup).join(' || ');
  if (data.rule !== 'not') return printLeaf(data);
  return `!${data.of.rule === 'not' ? printParsed(data.of) : `(${printParsed(data.of)})`}`;
}

function inGroup(data: RuleData): string {
  const several = (data.rule === 'all' || data.rule === 'any') && data.of.length > 1;
  return several ? `(${printParsed(data)})` : printParsed(data);
}

/** One leaf as text. */
export function printLeaf(data: LeafData): string {
  switch (data.rule) {
    case 'in':
      return `${printOperand(data.left)} in ${printOperand(data.right)}`;
    case 'isNull':
      return `${printOperand(data.left)} is null`;
    case 'exists':
    case 'every': {
      const list = printOperand({ attribute: data.list });
      const empty = data.orEmpty ? ' or empty' : '';
      return `${data.rule} item in ${list}${empty} (${printParsed(data.where)})`;
    }
    case 'during': {
      const { zone, days, from, to, except } = data.window;
      const without = except === undefined ? '' : ` except ${except.join(' ')}`;
      return `during ${days?.join(' ') ?? 'every day'} ${from}-${to} ${zone}${without}`;
    }
    case 'peerIn':
      return `peer in [${data.networks.join(', ')}]`;
    case 'related':
      return `${data.relation.name}(${printOperand(data.left)}, ${printOperand(data.right)})`;
    case 'startsWith':
      return `${printOperand(data.left)} starts with ${printOperand(data.right)}`;
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return `${printOperand(data.left)} ${SIGNS[data.rule]} ${printOperand(data.right)}`;
  }
}

function printOperand(operand: Operand | ListOperand): string {
  if ('attribute' in operand) return printAttribute(operand.attribute);
  if ('values' in operand)
    return `[${operand.values.map((value) => JSON.stringify(value)).join(', ')}]`;
  return operand.type === 'instant'
    ? new Date(Number(operand.value)).toISOString()
    : JSON.stringify(operand.value);
}

function printAttribute({ source, name }: AnyAttribute): string {
  return source.startsWith('@') ? name : `${source}.${name}`;
}
