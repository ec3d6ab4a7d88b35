export { type Deny, type DenyOptions, deny, type Outcome } from './outcome.ts';
