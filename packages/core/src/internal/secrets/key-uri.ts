import type { TotpRecord } from '../../stores/totp-store.ts';

/** The URI that authenticator apps read from a QR code ("Key URI Format"). */
export function keyUri(
  secret: string,
  label: string,
  issuer: string,
  { algorithm, digits, period }: Pick<TotpRecord, 'algorithm' | 'digits' | 'period'>,
): string {
  const name = `${encodeURIComponent(issuer)}:${encodeURIComponent(label)}`;
  const params = [
    `secret=${secret}`,
    `issuer=${encodeURIComponent(issuer)}`,
    `algorithm=${algorithm.replace('-', '')}`,
    `digits=${digits}`,
    `period=${period}`,
  ];
  return `otpauth://totp/${name}?${params.join('&')}`;
}
