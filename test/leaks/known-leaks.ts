// What is known to tell a value, by `keyOf` of attacks.ts, and why. Nothing else may; what no longer does is to be taken
// from here.

const known: Readonly<Record<string, readonly string[]>> = {
  'a policy on rows runs a function over columns that the statement does not name': [
    'what stays: a policy',
  ],
  'a block is not looked into': [
    'what is said by the way: a comment that a block makes',
    'what is said by the way: a name that a block makes',
    'what is said by the way: a setting that a block makes, shown',
    'what stays: a comment',
  ],
  'a default, a rule or a trigger runs what the statement does not name': [
    'names that move: a default that reads',
    'names that move: a rule that returns',
    'names that move: a trigger that tells',
    'what stays: a default',
    'what stays: a trigger',
  ],
  'a notification is sent behind the answer of its statement': [
    'settings and notifications: a notification',
  ],
  'classes go by name, and a definition gives another': [
    'what stays: a child',
    'what stays: a child before its parent',
    'what stays: a name that is swapped',
    'what stays: a partition',
    'what stays: the new name of a column',
    'what stays: the new name of a schema',
    'what stays: the new name of a table',
    'what stays: the new schema of a table',
  ],
  'statistics hold values': ['what stays: statistics'],
  'a value may still be copied where nobody expects it': [
    'copies: by EXPLAIN ANALYZE',
    'copies: by a cursor',
    'copies: by a prepared statement',
    'copies: by a query that is copied',
    'copies: inserted',
    'copies: inserted, as a number',
    'copies: inserted, by WITH',
    'copies: inserted, by a WITH that writes',
    'copies: inserted, by a conflict',
    'copies: inserted, by a view',
    'copies: inserted, by values',
    'copies: inserted, piece by piece',
    'copies: merged',
    'copies: merged, inserted',
    'copies: swapped',
    'copies: updated',
    'copies: updated, by row',
    'copies: updated, by sub-query',
    'copies: updated, from another',
    'copies: updated, into a field',
    'copies: updated, into an array',
    'copies: updated, into json',
    'copies: updated, many at once',
    'settings and notifications: a number of a sequence',
    'what stays: a column that is committed',
    'what stays: a row that is committed',
    'what stays: a sequence',
    'what stays: a table',
  ],
}

export const knownLeaks: ReadonlySet<string> = new Set(Object.values(known).flat())
