// Transactions and their savepoints.
import type { TransactionVerb } from '../analysis.ts'
import { type Draft, Refusal } from '../draft.ts'
import { fixedPlan } from '../lineage/index.ts'
import { type Cursor, isWord, unread } from './cursor.ts'
import { folded } from './names.ts'
import { administer, only, type Verb } from './verb.ts'

function transaction(verb: string, kind: TransactionVerb, allowed: RegExp): Verb {
  return (cursor, draft) => {
    if (!allowed.test(cursor.rest())) throw unread()
    draft.verb = verb
    draft.transaction = kind
    draft.planned = fixedPlan(0)
    draft.add('connect', verb)
  }
}

const chain = /^(work)?( ?and (no )?chain)?( ?(no )?release)?$/
const characteristic = '(with consistent snapshot|read only|read write)'
const starts = new RegExp(`^transaction( ${characteristic}( , ${characteristic})*)?$`)

export const start: Verb = (cursor, draft, text) => {
  if (cursor.word !== 'transaction') return administer('START')(cursor, draft, text)
  return transaction('START TRANSACTION', 'begin', starts)(cursor, draft, text)
}

export const begin: Verb = (cursor, draft, text) => {
  if (isWord(cursor.token, 'not')) refuseCompound()
  return transaction('BEGIN', 'begin', /^(work)?$/)(cursor, draft, text)
}

export const rollback: Verb = (cursor, draft, text) => {
  if (!/^(work )?to /.test(cursor.rest())) {
    return transaction('ROLLBACK', 'rollback', chain)(cursor, draft, text)
  }
  cursor.take('work')
  cursor.take('to')
  cursor.take('savepoint')
  point('ROLLBACK TO', 'rollback_to', cursor, draft)
}

function point(verb: string, kind: TransactionVerb, cursor: Cursor, draft: Draft): void {
  draft.verb = verb
  draft.transaction = kind
  draft.literalsMatter = true
  draft.savepoint = folded(cursor.name())
  draft.planned = fixedPlan(0)
  draft.add('connect', verb)
  cursor.end()
}

export const commit: Verb = transaction('COMMIT', 'commit', chain)

export const savepoint: Verb = only((cursor, draft) =>
  point('SAVEPOINT', 'savepoint', cursor, draft),
)

export const release: Verb = (cursor, draft) => {
  if (!cursor.take('savepoint')) throw unread()
  point('RELEASE', 'release', cursor, draft)
}

function refuseCompound(): never {
  throw new Refusal(
    'statement_unsupported',
    'statements in blocks (BEGIN NOT ATOMIC, IF, LOOP) are supported in stored code only: put them into a procedure',
  )
}
