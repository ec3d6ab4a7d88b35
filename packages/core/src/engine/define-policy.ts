export {
  definePolicy,
  type Mode,
  type Policy,
  type PolicyInfo,
  type Purpose,
  type SyncPolicy,
} from './policy.ts';
