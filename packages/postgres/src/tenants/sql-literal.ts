/** Bytes as hexadecimal digits: whatever is in the text, nothing of it is read as SQL. */
export function literal(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `convert_from(decode('${digits}', 'hex'), 'UTF8')`;
}
