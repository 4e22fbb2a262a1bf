// What the gateway says a statement does, held against what the server says it did. A miss is something that happened
// and was not said.
import type { Operation, Statement } from '#model'
import type { Analysis, SqlStatement } from '../../src/engines/sql/index.ts'
import type { Facts, Relation, Way } from './facts.ts'
import type { Account } from './witness.ts'

/** How a relation that was touched is accounted for. */
export type Cover =
  | 'named'
  | Way
  | 'code of a user'
  | 'code of the table'
  | 'cascade'
  | 'the resource'

export interface Verdict {
  readonly misses: readonly string[]
  readonly covers: ReadonlyMap<Cover, number>
  /** By the server's word it only read, and we ask for more. */
  readonly stricter: boolean
}

const WRITES: ReadonlySet<string> = new Set(['write', 'define', 'administer', 'execute'])
const writes = ({ action }: Operation): boolean => WRITES.has(action)
/** Modes that changing rows or definitions takes; ROW SHARE is that of row locks. */
const WRITING_MODE =
  /^(RowExclusive|ShareUpdateExclusive|Share|ShareRowExclusive|Exclusive|AccessExclusive)Lock$/
const READ_ONLY = '25006'
/** They tell what this session drew from a sequence, and lock it as drawing does. */
const OWN_NUMBER: ReadonlySet<string> = new Set(['lastval', 'currval'])
/** They tell of definitions, by the catalogs. */
const ABOUT_DEFINITIONS =
  /^pg_(get|partition|describe|identify)_|_description$|^satisfies_hash_partition$/
const SHOWS_DEFINITIONS =
  /^(information_schema\.views|pg_catalog\.pg_(views|rules|matviews|policies))$/
/** They give the transaction its number, and write nothing with it. */
const TAKES_NUMBER: ReadonlySet<string> = new Set(['txid_current', 'pg_current_xact_id'])
/** The same code is given for what comes too late in a transaction. */
const isNotInBlock = ({ code, message }: { code: string; message: string }): boolean =>
  code === '25001' && /cannot (run|be executed)/.test(message)

export function compare(
  analysis: Analysis,
  statement: Statement,
  account: Account,
  facts: Facts,
): Verdict {
  const { operations, functions } = statement
  const misses: string[] = []
  const covers = new Map<Cover, number>()
  const miss = (what: string) => misses.push(what)
  const strong = operations.some(writes)
  const locking = operations.some(({ flags }) => flags.includes('locking'))
  const shown = operations.some(({ flags }) => flags.includes('explain'))

  if (account.readOnly === READ_ONLY && !strong && !locking)
    miss('refused in a read-only transaction')
  if (account.refused !== undefined) {
    if (isNotInBlock(account.refused) && !strong) miss('refused in a transaction block')
    return { misses, covers, stricter: false }
  }
  const numbered = functions.some(name => TAKES_NUMBER.has(name))
  if (account.wrote && !strong && !locking && !numbered) miss('wrote')
  if (account.changed.length > 0 && !strong) miss('changed rows')
  if (!account.undone && !analysis.statements.some(each => each.transaction !== undefined)) {
    miss('ended the transaction')
  }
  const runs = operations.some(({ action }) => action === 'execute')
  const reached = reach(operations, facts)
  const byItself = startsEvents(operations, facts)
  const unsaid = account.ran.filter(name => !functions.includes(name))
  if (unsaid.length > 0 && !runs && !byItself) miss(`ran ${unsaid.join(', ')}`)
  if (account.advisory && !strong) miss('took an advisory lock')
  if (account.channels && !operations.some(({ verb }) => verb === 'LISTEN') && !runs)
    miss('listens')
  for (const [what, names] of [
    ['setting', account.settings.filter(name => !settingsOf(analysis).has(name.toLowerCase()))],
    ['prepared statement', account.prepared.filter(name => !namesOf(analysis, 'prepared', name))],
    ['cursor', account.cursors.filter(name => !namesOf(analysis, 'cursor', name))],
  ] as const) {
    if (names.length > 0 && !runs) miss(`${what} ${names.join(', ')}`)
  }

  const changed = new Set(account.changed)
  for (const [oid, modes] of modesOf(account)) {
    const relation = facts.relations.get(oid) ?? account.made.get(oid)
    if (relation === undefined) continue
    const writing = changed.has(oid) || (!shown && modes.some(mode => WRITING_MODE.test(mode)))
    if (relation.kind === 'S' && functions.some(name => OWN_NUMBER.has(name))) continue
    // Definitions are shown; what they name is locked, not read.
    if (!writing && functions.some(name => ABOUT_DEFINITIONS.test(name))) continue
    const cover =
      coverOf(relation, writing, changed.has(oid), operations, reached, facts) ??
      (byItself ? 'code of the table' : undefined)
    if (cover === undefined) miss(`${writing ? 'wrote' : 'read'} ${relation.object}`)
    else covers.set(cover, (covers.get(cover) ?? 0) + 1)
  }
  if (account.ran.length === 0 && !runs) missedColumns(operations, account, facts).forEach(miss)
  const onlyRead =
    !account.wrote &&
    account.readOnly === undefined &&
    account.ran.length === 0 &&
    !account.advisory
  const harmless = account.settings.length + account.prepared.length + account.cursors.length === 0
  return { misses, covers, stricter: onlyRead && harmless && strong }
}

function modesOf(account: Account): Map<number, string[]> {
  const modes = new Map<number, string[]>()
  for (const [oid, mode] of account.locks) modes.set(oid, [...(modes.get(oid) ?? []), mode])
  for (const oid of account.changed) if (!modes.has(oid)) modes.set(oid, [])
  return modes
}

function isSystemView(object: string, facts: Facts): boolean {
  return (
    /^(pg_catalog|information_schema)\./.test(object) && facts.byObject.get(object)?.kind === 'v'
  )
}

interface Reach {
  readonly how: Cover
  readonly writing: boolean
}

/** All relations that those of the operations lead to. */
function reach(operations: readonly Operation[], facts: Facts): ReadonlyMap<number, Reach> {
  const reached = new Map<number, Reach>()
  const open: { oid: number; how: Cover; writing: boolean }[] = []
  for (const operation of operations) {
    const found = facts.byObject.get(operation.object.name)
    if (found !== undefined) open.push({ oid: found.oid, how: 'named', writing: writes(operation) })
  }
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const known = reached.get(next.oid)
    if (
      known !== undefined &&
      (known.writing || !next.writing) &&
      !(known.how !== 'named' && next.how === 'named')
    )
      continue
    reached.set(next.oid, {
      how: known?.how === 'named' ? 'named' : next.how,
      writing: next.writing || known?.writing === true,
    })
    for (const { way, to } of facts.ways.get(next.oid) ?? []) {
      // Keys, defaults and triggers are at work when rows change; a view, a parent or a policy always.
      if ((way === 'foreign key' || way === 'default') && !next.writing) continue
      open.push({ oid: to, how: way, writing: next.writing })
    }
  }
  return reached
}

function coverOf(
  relation: Relation,
  writing: boolean,
  changed: boolean,
  operations: readonly Operation[],
  reached: ReadonlyMap<number, Reach>,
  facts: Facts,
): Cover | undefined {
  // How the server keeps what is defined or stored.
  const internal = relation.schema === 'pg_catalog' || relation.schema === 'pg_toast'
  if (internal && writing && operations.some(writes)) return 'the resource'
  // Dependencies on what came with the server are not recorded.
  if (internal && operations.some(({ object }) => isSystemView(object.name, facts))) {
    return 'view or rule'
  }
  // They show definitions, and lock what these name.
  if (!writing && operations.some(({ object }) => SHOWS_DEFINITIONS.test(object.name))) {
    return 'view or rule'
  }
  const found = reached.get(relation.oid)
  // Other relations that a definition speaks of are locked against change, not changed.
  const defines = operations.some(({ action }) => action === 'define')
  if (found !== undefined && defines && !changed) return found.how
  if (found !== undefined && (found.writing || !writing)) return found.how
  // What the statement makes has no number yet when we judge it.
  const made = !facts.relations.has(relation.oid)
  if (made && operations.some(({ action }) => action === 'define' || action === 'execute')) {
    return 'named'
  }
  // Whatever code runs may touch anything, and is judged as that.
  if (operations.some(({ action }) => action === 'execute')) return 'code of a user'
  // What goes with what is dropped, or hangs on what is redefined.
  if (operations.some(({ flags }) => flags.includes('destructive'))) return 'cascade'
  const whole = operations.some(
    ({ action, object }) =>
      (action === 'administer' || action === 'define') && !facts.byObject.has(object.name),
  )
  return whole ? 'the resource' : undefined
}

/** What a definition starts is not said: event triggers. */
function startsEvents(operations: readonly Operation[], facts: Facts): boolean {
  const defines = operations.some(({ action }) => action === 'define' || action === 'administer')
  return facts.eventTriggers && defines
}

/** Columns that the server's own parse tree asks for, of the relations that the text names. */
function missedColumns(
  operations: readonly Operation[],
  { wanted }: Account,
  facts: Facts,
): string[] {
  const said = new Map<number, Set<string>>()
  for (const { object, columns } of operations) {
    const oid = facts.byObject.get(object.name)?.oid
    if (oid === undefined) continue
    const known = said.get(oid) ?? new Set()
    said.set(oid, known)
    for (const column of columns) known.add(column)
  }
  return wanted.flatMap(({ relation, selected, inserted, updated }) => {
    const columns = said.get(relation)
    if (columns === undefined) return []
    const asked = [...selected, ...inserted, ...updated].flatMap(number => {
      if (number === 0) return facts.columnsOf(relation)
      // System columns have negative numbers: nobody's data.
      return facts.columnName(relation, number) ?? []
    })
    const missing = new Set(asked.filter(name => !columns.has(name)))
    const { object = '' } = facts.relations.get(relation) ?? {}
    return missing.size === 0 ? [] : [`columns ${[...missing].join(', ')} of ${object}`]
  })
}

/** The settings that a text says it changes. */
function settingsOf({ statements }: Analysis): { has(name: string): boolean } {
  const names = new Set(statements.flatMap(each => each.settings.map(({ name }) => name)))
  const anything =
    names.has('all') ||
    statements.some(
      each =>
        /^(SET|RESET)$/.test(each.verb) &&
        each.operations.some(({ action }) => action === 'administer'),
    )
  return { has: name => anything || names.has(name) }
}

function namesOf({ statements }: Analysis, kind: 'prepared' | 'cursor', name: string): boolean {
  const all = (each: SqlStatement) => each.settings.some(setting => setting.name === 'all')
  return statements.some(each =>
    kind === 'prepared'
      ? each.prepares?.name === name ||
        all(each) ||
        (each.deallocates !== undefined && (each.deallocates.name ?? name) === name)
      : each.declares?.cursor === name ||
        all(each) ||
        (each.closes !== undefined && (each.closes.cursor ?? name) === name),
  )
}
