import type { handleBidiStreamingCall } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';

interface Question {
  readonly listServices?: string;
  readonly fileContainingSymbol?: string;
}

/** Answers which services there are, and what their messages look like, out of what proto-loader has loaded. */
export function reflect(definition: PackageDefinition): handleBidiStreamingCall<Question, object> {
  const services = Object.keys(definition).filter((name) => !isMessage(definition[name]));
  // Each message carries the files that it is written in, and stands with its services in one of them.
  const files = Object.values(definition).find(isMessage)?.fileDescriptorProtos ?? [];
  const answer = ({ listServices, fileContainingSymbol }: Question): object => {
    if (listServices !== undefined) {
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    }
    return fileContainingSymbol !== undefined && Object.hasOwn(definition, fileContainingSymbol)
      ? { fileDescriptorResponse: { fileDescriptorProto: files } }
      : { errorResponse: { errorCode: 5, errorMessage: 'There is no such symbol.' } };
  };
  return (call) => {
    call.on('data', (question: Question) => call.write(answer(question)));
    call.on('end', () => call.end());
  };
}

function isMessage(entry: object | undefined): entry is { fileDescriptorProtos: Buffer[] } {
  return entry !== undefined && 'fileDescriptorProtos' in entry;
}
