export { protectedApi, protectSubject } from './protect-subject.ts';
export { bytesOf, streamOf, writeTo } from './stream-records.ts';
export type {
  Capability,
  ConformanceApi,
  Operation,
  Protocol,
  Records,
  Reply,
  Served,
  Subject,
} from './subject.ts';
export { describeConformance } from './suite.ts';
export { restNames, tableOf } from './table.ts';
