// Each statement of PostgreSQL's own regression suite gets operations or a refusal with a reason, and the published
// figures are what is so. After a change: `node bin/node26.cjs node_modules/vitest/vitest.mjs run test/regress/coverage -u`.
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { createPostgresAnalyser } from '../../src/engines/sql/index.ts'
import { allStatements, coveragePage } from './coverage.ts'
import { hasSuite } from './suite.ts'

const INTRO = `
# What is read of SQL

Every statement that PostgreSQL 18's grammar knows is judged by what it does, or refused. Here is what that makes of the
regression suites of PostgreSQL and PL/pgSQL. What the figures cannot show is held by tests that run with the others:

- \`test/differential\`: random statements (of every kind: queries, changes, definitions, utilities, code that hides in
  views, rules, triggers, casts, operators, policies, checks) are run on PostgreSQL 15 and 18 in transactions that are rolled
  back. What the server says it did (locks, counters, read-only transactions, the columns in its own parse tree, functions
  that ran, settings and names that changed) is held against what we say: no write is taken for reading, no
  relation and no column is missed. \`npm run differential -- --count 100000\` runs longer, \`--regress all\` takes the
  statements of the regression suite. No gap is known.
- The same statement in another spelling (comments, case, quoted names, \`U&""\`, \`E''\`, dollar quotes) is the same to us;
  inside EXPLAIN ANALYZE, PREPARE, COPY, a cursor, a CTE, a sub-query or a rule it is no less.
- Texts that are mutated or mere noise are read as the server's parser reads them, or refused.
`

test.skipIf(!hasSuite)('the published figures of the regression suite hold', async () => {
  const analyser = await createPostgresAnalyser()
  const page = coveragePage(analyser, allStatements(), INTRO)
  await expect(page).toMatchFileSnapshot(resolve('docs/sql-coverage.md'))
})
