// BEGIN ... COMMIT, savepoints and two-phase commit.
import type { TransactionVerb } from '../analysis.ts'
import { constantOf, fieldsOf, listOf, textOf } from './tree.ts'
import type { Handler } from './walk.ts'

const kinds: Readonly<Record<string, readonly [verb: string, transaction: TransactionVerb]>> = {
  TRANS_STMT_BEGIN: ['BEGIN', 'begin'],
  TRANS_STMT_START: ['START TRANSACTION', 'begin'],
  TRANS_STMT_COMMIT: ['COMMIT', 'commit'],
  TRANS_STMT_ROLLBACK: ['ROLLBACK', 'rollback'],
  TRANS_STMT_SAVEPOINT: ['SAVEPOINT', 'savepoint'],
  TRANS_STMT_RELEASE: ['RELEASE', 'release'],
  TRANS_STMT_ROLLBACK_TO: ['ROLLBACK TO', 'rollback_to'],
  TRANS_STMT_PREPARE: ['PREPARE TRANSACTION', 'prepare_transaction'],
}

export const transactionStatement: Handler = (fields, { draft }) => {
  const kind = kinds[textOf(fields['kind']) ?? '']
  draft.literalsMatter = true
  if (kind === undefined) {
    // COMMIT PREPARED and ROLLBACK PREPARED end a transaction that may be another session's.
    draft.verb =
      textOf(fields['kind']) === 'TRANS_STMT_COMMIT_PREPARED'
        ? 'COMMIT PREPARED'
        : 'ROLLBACK PREPARED'
    // What it defined is there from now on.
    draft.changesCatalog = true
    draft.add('administer', draft.verb)
    return
  }
  draft.verb = kind[0]
  draft.transaction = kind[1]
  draft.savepoint = textOf(fields['savepoint_name'])
  for (const each of listOf(fields['options'])) {
    const option = fieldsOf(each, 'DefElem')
    const name = textOf(option?.['defname'])
    const value = constantOf(option?.['arg'])
    if (name === undefined) continue
    draft.settings.push({ name, value: value === undefined ? undefined : `${value}`, local: true })
  }
  draft.add('connect', draft.verb)
}
