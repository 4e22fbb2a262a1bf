// EXPLAIN in all its spellings, and ANALYZE: what only shows a plan, and what runs.
import { categoryOf } from '../categories.ts'
import { fixedPlan } from '../lineage/index.ts'
import { type Cursor, isMark, unread } from './cursor.ts'
import { sequenceFunctions } from './functions.ts'
import type { Token } from './lexer.ts'
import { beginsQuery } from './parsed-statement.ts'
import { describeStatement } from './show.ts'
import { administer, type Read, type Text, type Verb } from './verb.ts'

/** What reads the statement that is explained. */
type ReadTokens = (tokens: readonly Token[], text: Text) => Read

export const explain =
  (read: ReadTokens): Verb =>
  (cursor, draft, text) => {
    if (cursor.word === 'for') return administer('EXPLAIN')(cursor, draft, text)
    const runs = cursor.take('analyze')
    const plain = explained(cursor)
    if (!plain && !runs) {
      draft.planned = fixedPlan(describeStatement(draft))
      return
    }
    return explanation(cursor, text, runs, read)
  }

/** Takes the options of EXPLAIN; true when a statement follows, not the name of a table. */
function explained(cursor: Cursor): boolean {
  while (cursor.take('extended') || cursor.take('partitions'));
  if (cursor.word === 'format' && isMark(cursor.tokens[cursor.at + 1], '=')) cursor.at += 3
  if (cursor.take('for connection')) throw unread()
  return beginsQuery(cursor.token)
}

const milder: ReadonlySet<string> = new Set(['write', 'define'])

/** Plain EXPLAIN only shows what would run; with ANALYZE it is the statement itself. */
function explanation(cursor: Cursor, text: Text, runs: boolean, read: ReadTokens): Read {
  const inner = read(cursor.left(), text)
  const { statement } = inner
  const operations = statement.operations.map(each => {
    // (What stands for a constant is worked out while the plan is made: sequences move on.)
    const moves = sequenceFunctions.has(each.verb.toLowerCase())
    const action = !runs && !moves && milder.has(each.action) ? ('read' as const) : each.action
    const flags = runs ? each.flags : [...each.flags, 'explain' as const]
    return {
      ...each,
      action,
      flags,
      category: runs ? each.category : categoryOf({ ...each, action, flags }),
    }
  })
  return {
    literalsMatter: inner.literalsMatter,
    statement: {
      ...statement,
      verb: 'EXPLAIN',
      operations,
      plan: { kind: 'explained', plan: statement.plan, runs: true },
      modifications: 0,
      explainOnly: !runs,
      returnsRows: true,
    },
  }
}

/** ANALYZE TABLE; MariaDB's ANALYZE of a statement runs it. */
export const analyze =
  (read: ReadTokens): Verb =>
  (cursor, draft, text) => {
    const format = cursor.word === 'format'
    if (format || beginsQuery(cursor.token)) {
      if (cursor.word === 'table' && !format) return administer('ANALYZE')(cursor, draft, text)
      explained(cursor)
      return explanation(cursor, text, true, read)
    }
    return administer('ANALYZE')(cursor, draft, text)
  }
