export { protectedApi, protectSubject } from './protect-subject.ts';
export type {
  Capability,
  ConformanceApi,
  Operation,
  Protocol,
  Reply,
  Served,
  Subject,
} from './subject.ts';
export { describeConformance } from './suite.ts';
export { restNames, tableOf } from './table.ts';
