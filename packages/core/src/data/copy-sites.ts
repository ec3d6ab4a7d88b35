// Written by `node tooling/copy-sites.mjs`: change that instead.
import { type FilterRun, fail } from './filter-run.ts';
import { isSent, type Members, type OutputFilter } from './output-filter.ts';

/** How many members one site copies. */
export const SLOTS = 8;

type CopySite = (
  object: Readonly<Members>,
  run: FilterRun,
  filter: OutputFilter,
  begun?: Members,
) => unknown;

/**
 * The same function 40 times. An engine remembers for each place in the code which member of which kind of object
 * is read or set there. One function for all shapes has to look up every name anew, which takes several times as long.
 * Functions could be made for each shape at run time, but edge runtimes forbid that.
 *
 * Each copies an object that has exactly the members of its filter, in their order. All others go to `general`.
 * `'constructor' in o` is always true here: it lets the engine know the prototype without a call.
 */
export const COPY_SITES: readonly CopySite[] = [
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
    if (size > 0 && (m = isSent((m = o[p.n0]), plain & 1) ? m : p.f0.apply(m, run, p.f0)) !== undefined) to[p.n0] = m;
    if (size > 1 && (m = isSent((m = o[p.n1]), plain & 2) ? m : p.f1.apply(m, run, p.f1)) !== undefined) to[p.n1] = m;
    if (size > 2 && (m = isSent((m = o[p.n2]), plain & 4) ? m : p.f2.apply(m, run, p.f2)) !== undefined) to[p.n2] = m;
    if (size > 3 && (m = isSent((m = o[p.n3]), plain & 8) ? m : p.f3.apply(m, run, p.f3)) !== undefined) to[p.n3] = m;
    if (size > 4 && (m = isSent((m = o[p.n4]), plain & 16) ? m : p.f4.apply(m, run, p.f4)) !== undefined) to[p.n4] = m;
    if (size > 5 && (m = isSent((m = o[p.n5]), plain & 32) ? m : p.f5.apply(m, run, p.f5)) !== undefined) to[p.n5] = m;
    if (size > 6 && (m = isSent((m = o[p.n6]), plain & 64) ? m : p.f6.apply(m, run, p.f6)) !== undefined) to[p.n6] = m;
    if (size > 7 && (m = isSent((m = o[p.n7]), plain & 128) ? m : p.f7.apply(m, run, p.f7)) !== undefined) to[p.n7] = m;
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
];
