// What is known to tell a value, by `keyOf` of attacks.ts, and why. Nothing else may; what no longer does is to be taken
// from here.

const known: Readonly<Record<string, readonly string[]>> = {
  'a policy on rows runs a function over columns that the statement does not name': [
    'what stays: a policy',
  ],
  'a default, a rule or a trigger runs what the statement does not name': [
    'names that move: a default that reads',
    'what stays: a default',
  ],
}

export const knownLeaks: ReadonlySet<string> = new Set(Object.values(known).flat())
