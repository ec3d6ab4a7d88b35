/** Stands for parts of Node that fake timers look for and do without. */
export const nothing = undefined;
