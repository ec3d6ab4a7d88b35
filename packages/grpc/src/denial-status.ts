import type { Denial } from '@apisec/core';
import { grpcDenial } from '@apisec/core/host';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import type { EditMetadata } from './metadata.ts';
import { encodeStatus } from './rpc-status.ts';

/** What an answer says beside what went wrong. */
export interface DenialRendering {
  /** The id of the call, sent as `x-request-id`. */
  readonly requestId?: string | undefined;
  /** Given where no response metadata went out yet, so that header edits still can. */
  readonly edit?: EditMetadata | undefined;
  /** What the code of the denial is put behind, to make the address of its description. */
  readonly help?: string | undefined;
}

/**
 * A denial as the status that ends the call: code, message, challenges, and the details of `google.rpc.Status`.
 */
export function denialStatus(
  denial: Denial,
  { requestId, edit, help }: DenialRendering = {},
): StatusObject {
  const wire = grpcDenial(denial);
  const metadata = edit?.() ?? new Metadata();
  if (requestId !== undefined) metadata.set('x-request-id', requestId);
  for (const [name, value] of wire.metadata) metadata.set(name, value);
  metadata.set('grpc-status-details-bin', encodeStatus(wire, help && help + denial.code));
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- both count as google.rpc.Code does
  return { code: wire.code, details: wire.message, metadata };
}
