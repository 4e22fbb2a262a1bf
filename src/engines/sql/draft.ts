// What is gathered while one statement is walked, and the finished form of it.
import type { Action, Flag, ReasonCode } from '#model'
import type {
  CopyShape,
  RawOperation,
  RelationName,
  SettingChange,
  SqlStatement,
  TransactionVerb,
} from './analysis.ts'
import { categoryOf, type SqlCategory } from './categories.ts'
import type { Planned } from './lineage/index.ts'

/** An operation while its columns are still being found. */
export interface DraftOperation {
  action: Action
  verb: string
  relation: RelationName | undefined
  object: { readonly name: string; readonly kind: string } | undefined
  columns: string[]
  qualified: string[]
  star: boolean
  flags: Flag[]
  /** Where it does not follow from the rest. */
  category: SqlCategory | undefined
  /** A condition says that of a catalog's rows those are read that anybody may see. */
  publicOnly?: boolean
}

/** Thrown inside this room only; the analyser turns it into Unreadable. */
export class Refusal extends Error {
  readonly code: ReasonCode
  constructor(code: ReasonCode, message: string) {
    super(message)
    this.code = code
  }
}

export class Draft {
  verb = ''
  readonly operations: DraftOperation[] = []
  readonly functions: string[] = []
  readonly presumedBuiltIn: string[] = []
  readonly castsTo: RelationName[] = []
  readonly operators: string[] = []
  readonly attributes: string[] = []
  readonly columnNames: string[] = []
  /** Names that stand alone: a column, or the whole row of the relation of that name. */
  readonly bareNames: string[] = []
  /** Aliases and names of relations. */
  readonly rowNames: string[] = []
  allColumns = false
  /** Names given to relations so far; bounded by the scopes. */
  names = 0
  planned: Planned | undefined
  readonly settings: SettingChange[] = []
  readonly shadows: string[] = []
  readonly uncovers: string[] = []
  transaction: TransactionVerb | undefined
  savepoint: string | undefined
  copy: CopyShape | undefined
  prepares: SqlStatement['prepares'] | undefined
  executes: SqlStatement['executes'] | undefined
  deallocates: SqlStatement['deallocates'] | undefined
  declares: SqlStatement['declares'] | undefined
  fetches: SqlStatement['fetches'] | undefined
  closes: SqlStatement['closes'] | undefined
  modifications = 0
  explainOnly = false
  changesCatalog = false
  returnsRows = false
  clientFile: string | undefined
  /** True once the value of a literal was looked at: the result then holds for this very text only. */
  literalsMatter = false

  /** Adds an operation on a relation. */
  touch(
    action: Action,
    verb: string,
    relation: RelationName,
    flags: readonly Flag[],
    category?: SqlCategory,
  ): DraftOperation {
    const added: DraftOperation = {
      action,
      verb,
      relation,
      object: undefined,
      columns: [],
      qualified: [],
      star: false,
      flags: [...flags],
      category,
    }
    this.operations.push(added)
    return added
  }

  /** Adds an operation on another object; without one, on the resource itself. */
  add(
    action: Action,
    verb: string,
    object?: { readonly name: string; readonly kind: string },
    flags: readonly Flag[] = [],
    category?: SqlCategory,
  ): void {
    const last = this.operations.at(-1)
    const repeated =
      last !== undefined &&
      last.object !== undefined &&
      last.object.name === object?.name &&
      last.object.kind === object.kind &&
      last.action === action &&
      last.verb === verb &&
      last.category === category &&
      flags.every(flag => last.flags.includes(flag))
    if (repeated) return
    this.operations.push({
      action,
      verb,
      relation: undefined,
      object,
      columns: [],
      qualified: [],
      star: false,
      flags: [...flags],
      category,
    })
  }

  /** `isSensitive`: the read of a relation, given what is read of it, needs `administer`. */
  finish(
    isSensitive: (relation: RelationName, star: boolean, read: readonly string[]) => boolean,
  ): SqlStatement {
    if (this.operations.length === 0) this.add('connect', this.verb)
    // A relation's name standing alone is its whole row (the server looks for a column first: either may be).
    // Also when a star has asked for all columns: it may be the star of another level.
    if (meet(this.bareNames, this.rowNames)) {
      this.allColumns = true
      for (const operation of this.operations) if (operation.relation) operation.star = true
    }
    for (const each of this.operations) {
      const { action, relation, star, columns, qualified } = each
      if (action !== 'read' || relation === undefined || each.publicOnly) continue
      if (isSensitive(relation, star, [...columns, ...qualified])) {
        each.action = 'administer'
        each.category = 'system'
      }
    }
    return {
      verb: this.verb,
      operations: merged(this.operations),
      functions: distinct(this.functions),
      presumedBuiltIn: distinct(this.presumedBuiltIn),
      castsTo: this.castsTo,
      operators: distinct(this.operators),
      attributes: distinct(this.attributes),
      columnNames: this.allColumns ? 'all' : distinct(this.columnNames),
      plan: this.planned?.plan ?? { kind: 'unknown' },
      planNodes: this.planned?.nodes ?? 1,
      settings: this.settings,
      shadows: distinct(this.shadows),
      ...(this.uncovers.length === 0 ? {} : { uncovers: this.uncovers }),
      ...(this.transaction === undefined ? {} : { transaction: this.transaction }),
      ...(this.savepoint === undefined ? {} : { savepoint: this.savepoint }),
      ...(this.copy === undefined ? {} : { copy: this.copy }),
      ...(this.prepares === undefined ? {} : { prepares: this.prepares }),
      ...(this.executes === undefined ? {} : { executes: this.executes }),
      ...(this.deallocates === undefined ? {} : { deallocates: this.deallocates }),
      ...(this.declares === undefined ? {} : { declares: this.declares }),
      ...(this.fetches === undefined ? {} : { fetches: this.fetches }),
      ...(this.closes === undefined ? {} : { closes: this.closes }),
      modifications: this.modifications,
      explainOnly: this.explainOnly,
      changesCatalog: this.changesCatalog,
      returnsRows: this.returnsRows,
      ...(this.clientFile === undefined ? {} : { clientFile: this.clientFile }),
    }
  }
}

function meet(names: readonly string[], others: readonly string[]): boolean {
  if (names.length * others.length < 64) return names.some(name => others.includes(name))
  const known = new Set(others)
  return names.some(name => known.has(name))
}

export function distinct(names: readonly string[]): readonly string[] {
  return names.length < 2 ? names : [...new Set(names)]
}

/** The same thing said twice (a self join, a function called in each column) is one operation. */
function merged(operations: readonly DraftOperation[]): readonly RawOperation[] {
  const byKey = new Map<string, DraftOperation>()
  for (const each of operations) {
    const on = each.relation
      ? `r\0${each.relation.schema ?? ''}\0${each.relation.name}`
      : `o\0${each.object?.kind ?? ''}\0${each.object?.name ?? ''}`
    const key = `${each.action}\0${each.verb}\0${each.category ?? ''}\0${on}`
    const first = byKey.get(key)
    if (first === undefined) {
      byKey.set(key, each)
      continue
    }
    // Not spread: a list may be longer than the stack takes arguments.
    for (const name of each.columns) first.columns.push(name)
    for (const name of each.qualified) first.qualified.push(name)
    first.star ||= each.star
    for (const flag of each.flags) if (!first.flags.includes(flag)) first.flags.push(flag)
  }
  return [...byKey.values()].map(each => ({
    action: each.action,
    verb: each.verb,
    ...(each.relation === undefined ? {} : { relation: each.relation }),
    ...(each.object === undefined ? {} : { object: each.object }),
    columns: distinct(each.columns),
    qualified: distinct(each.qualified),
    star: each.star,
    flags: each.flags,
    category: each.category ?? categoryOf(each),
  }))
}
