/** Problem is a failure that its message explains: it is shown as one line, without a stack. */
export class Problem extends Error {}
