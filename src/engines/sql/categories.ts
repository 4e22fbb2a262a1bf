// The finer sort of an operation of SQL, for policies that need more than the action (docs/guides/policies.md).
// Most follow from action, verb and flags; what a function or a setting is, those who meet it say.
import type { Action, Flag } from '#model'

export const sqlCategories = [
  'read',
  'read_lock',
  'write_row',
  'write_all',
  'truncate',
  'ddl',
  'ddl_destructive',
  'privilege',
  'session_identity',
  'settings',
  'system',
  'file_program',
  'network',
  'code',
  'admin_fn',
  'copy_in',
  'copy_out',
  'tx',
  'unknown',
] as const
export type SqlCategory = (typeof sqlCategories)[number]

interface Sorted {
  readonly action: Action
  readonly verb: string
  readonly flags: readonly Flag[]
}

export function categoryOf(operation: Sorted): SqlCategory {
  const { action, flags } = operation
  if (flags.includes('explain') && action === 'read') return 'read'
  switch (action) {
    case 'connect':
      return ofConnect(operation)
    case 'read':
      return ofRead(operation)
    case 'write':
      return ofWrite(operation)
    case 'define':
      if (flags.includes('destructive')) return 'ddl_destructive'
      return makesCode.test(operation.verb) ? 'code' : 'ddl'
    case 'administer':
      return ofAdminister(operation)
    default:
      return 'unknown'
  }
}

/** What runs later without being named: by a call, an event, an operator, a cast. */
const makesCode =
  /^(CREATE|ALTER) (FUNCTION|PROCEDURE|ROUTINE|TRIGGER|RULE|AGGREGATE|OPERATOR|OPERATOR CLASS|OPERATOR FAMILY|CONVERSION|CAST|TRANSFORM)$/

const transactions: ReadonlySet<string> = new Set([
  'BEGIN',
  'START TRANSACTION',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT',
  'RELEASE',
  'ROLLBACK TO',
  'PREPARE TRANSACTION',
  'COMMIT PREPARED',
  'ROLLBACK PREPARED',
  'SET CONSTRAINTS',
])

const settings: ReadonlySet<string> = new Set(['SET', 'RESET', 'SHOW', 'DISCARD'])

function ofConnect({ verb }: Sorted): SqlCategory {
  if (transactions.has(verb)) return 'tx'
  if (settings.has(verb)) return 'settings'
  return verb === 'UNLISTEN' ? 'network' : 'read'
}

function ofRead({ verb, flags }: Sorted): SqlCategory {
  if (flags.includes('locking')) return 'read_lock'
  if (verb === 'LISTEN') return 'network'
  return flags.includes('bulk') ? 'copy_out' : 'read'
}

function ofWrite({ verb, flags }: Sorted): SqlCategory {
  if (verb === 'TRUNCATE') return 'truncate'
  if (verb === 'LOCK') return 'read_lock'
  if (verb === 'NOTIFY') return 'network'
  if (verb === 'COPY') return 'copy_in'
  if (verb === 'REFRESH MATERIALIZED VIEW') return 'write_all'
  return flags.includes('unfiltered') ? 'write_all' : 'write_row'
}

/** Besides changes of owner and of row security, whose verb is that of the object. */
const rights =
  /^(GRANT|REVOKE|SECURITY LABEL|(CREATE|ALTER|DROP) (ROLE|POLICY)|DROP OWNED|REASSIGN OWNED|ALTER DEFAULT PRIVILEGES)$/

function ofAdminister({ verb, flags }: Sorted): SqlCategory {
  if (rights.test(verb)) return 'privilege'
  if (transactions.has(verb)) return 'tx'
  if (settings.has(verb)) return 'settings'
  if (makesCode.test(verb)) return 'code'
  return verb === 'COPY' && flags.includes('server_files') ? 'file_program' : 'system'
}
