import type { Denial } from '@apisec/core';
import { grpcDenial } from '@apisec/core/host';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import type { EditMetadata } from './metadata.ts';
import { encodeStatus } from './rpc-status.ts';

/**
 * A denial as the status that ends the call: code, message, challenges, and the details of `google.rpc.Status`.
 *
 * @param help what the code of the denial is put behind, to make the address of its description.
 * @param edit given where no response metadata went out yet, so that header edits still can.
 */
export function denialStatus(denial: Denial, edit?: EditMetadata, help?: string): StatusObject {
  const wire = grpcDenial(denial);
  const metadata = edit?.() ?? new Metadata();
  for (const [name, value] of wire.metadata) metadata.set(name, value);
  metadata.set('grpc-status-details-bin', encodeStatus(wire, help && help + denial.code));
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- both count as google.rpc.Code does
  return { code: wire.code, details: wire.message, metadata };
}
