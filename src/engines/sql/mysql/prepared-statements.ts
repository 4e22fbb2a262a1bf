// Statements that are prepared by name, in SQL: PREPARE, EXECUTE, DEALLOCATE.
import { Draft, Refusal } from '../draft.ts'
import { fixedPlan } from '../lineage/index.ts'
import { type Cursor, unread } from './cursor.ts'
import { folded } from './names.ts'
import { walkExpressions } from './parsed.ts'
import type { Verb } from './verb.ts'

/** Which names are one, servers see in different ways (`ς` and `σ`, `e` and `é`, `e` and `e `): in plain ASCII they agree. */
function preparedName(cursor: Cursor): string {
  const name = cursor.name()
  if (/^[!-~]+$/.test(name)) return folded(name)
  throw new Refusal(
    'statement_unsupported',
    'the name of a prepared statement may hold ASCII letters, digits and signs only: servers differ in which others are the same',
  )
}

export const prepare: Verb = (cursor, draft, text) => {
  draft.verb = 'PREPARE'
  draft.literalsMatter = true
  const name = preparedName(cursor)
  if (!cursor.take('from')) throw unread()
  draft.planned = fixedPlan(0)
  const literal = cursor.tokens.length === cursor.at + 1 ? cursor.string() : undefined
  if (literal === undefined) {
    // What an earlier PREPARE of the name said no longer holds.
    draft.deallocates = { name }
    draft.add('execute', 'PREPARE', { name, kind: 'prepared statement' }, ['dynamic'], 'unknown')
    return
  }
  draft.prepares = { name, statement: text.inner(literal).statement }
  draft.add('connect', 'PREPARE', undefined, [], 'settings')
}

export const execute: Verb = (cursor, draft, text) => {
  draft.literalsMatter = true
  if (cursor.take('immediate')) {
    const literal = cursor.string()
    if (literal !== undefined && (cursor.done || cursor.word === 'using')) {
      if (cursor.take('using')) walkExpressions(cursor.left(), 'EXECUTE', new Draft(), text, {})
      return text.inner(literal)
    }
    draft.verb = 'EXECUTE'
    draft.returnsRows = true
    draft.add('execute', 'EXECUTE', { name: 'immediate', kind: 'code' }, ['dynamic'], 'code')
    return
  }
  draft.verb = 'EXECUTE'
  draft.returnsRows = true
  draft.executes = { name: preparedName(cursor) }
  if (cursor.take('using')) {
    walkExpressions(cursor.left(), 'EXECUTE', draft, text, {})
  } else cursor.end()
  draft.planned = { plan: { kind: 'named' }, nodes: 1, literalsMatter: true }
  draft.add('connect', 'EXECUTE')
}

export const deallocate: Verb = (cursor, draft) => {
  if (!cursor.take('prepare')) throw unread()
  draft.verb = 'DEALLOCATE'
  draft.literalsMatter = true
  draft.deallocates = { name: preparedName(cursor) }
  draft.planned = fixedPlan(0)
  cursor.end()
  draft.add('connect', 'DEALLOCATE', undefined, [], 'settings')
}
