// The statements that are no queries, in one table.
import { copyStatement } from './copy.ts'
import { definitionStatements } from './definitions.ts'
import { nestedStatements } from './nested-statements.ts'
import { settingStatements } from './settings.ts'
import { transactionStatement } from './transactions.ts'
import { textOf } from './tree.ts'
import type { Handler } from './walk.ts'

/** Lock modes up to ROW SHARE (2) are those of reading. */
const lock: Handler = (fields, walk) => {
  const mode = typeof fields['mode'] === 'number' ? fields['mode'] : 8
  walk.draft.verb = 'LOCK'
  walk.use = { action: mode <= 2 ? 'read' : 'write', verb: 'LOCK', flags: ['locking'] }
  walk.each(fields['relations'])
}

const channel =
  (verb: string, action: 'read' | 'write' | 'connect'): Handler =>
  (fields, { draft }) => {
    draft.verb = draft.verb === '' ? verb : draft.verb
    draft.literalsMatter = true
    const name = textOf(fields['conditionname'])
    draft.add(action, verb, name === undefined ? undefined : { name, kind: 'channel' })
  }

const setConstraints: Handler = (_fields, { draft }) => {
  draft.verb = 'SET CONSTRAINTS'
  draft.add('connect', 'SET CONSTRAINTS')
}

/** A SET inside another statement (ALTER ROLE ... SET, a function's option) changes nothing now. */
const settingClause: Handler = (fields, walk) => {
  if (walk.draft.verb !== '') walk.children('VariableSetStmt', fields)
  else settingStatements['VariableSetStmt']?.(fields, walk)
}

export const statementNodes: Readonly<Record<string, Handler>> = {
  ...definitionStatements,
  ...nestedStatements,
  ...settingStatements,
  VariableSetStmt: settingClause,
  CopyStmt: copyStatement,
  TransactionStmt: transactionStatement,
  LockStmt: lock,
  ListenStmt: channel('LISTEN', 'read'),
  UnlistenStmt: channel('UNLISTEN', 'connect'),
  NotifyStmt: channel('NOTIFY', 'write'),
  ConstraintsSetStmt: setConstraints,
}
