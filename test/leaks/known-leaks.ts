// What is known to tell a value, by `keyOf` of attacks.ts, and why. Nothing else may; what no longer does is to be taken
// from here.

const known: Readonly<Record<string, readonly string[]>> = {}

export const knownLeaks: ReadonlySet<string> = new Set(Object.values(known).flat())
