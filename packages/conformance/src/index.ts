export { protectedApi } from './protected-api.ts';
export { bytesOf, streamOf, writeTo } from './stream-records.ts';
export {
  type Capability,
  type ConformanceApi,
  httpSubject,
  type Operation,
  type Protocol,
  type Records,
  type Reply,
  type Served,
  type Subject,
} from './subject.ts';
export { describeConformance } from './suite.ts';
export { restNames, tableOf } from './table.ts';
export { type StateGuard, weakMapsOfCall } from './weak-maps.ts';
