// Of which columns a view makes one of its own, by the tree of its rule: expressions are followed through sub-queries, joins,
// WITH, set operations and groups to the relations that they read. What chooses rows is no source; what is in the
// expression is, and all of a sub-query in it.
import { isNode, listOf, type Node, readNodeTree, type Value } from './node-tree.ts'

export interface SourceColumn {
  readonly oid: number
  readonly attnum: number
}

/** More steps than this: it may as well come from anywhere. */
const MOST_STEPS = 50_000

/**
 * `isOpaque`: true for a function that may read anything. Answers undefined where it cannot be told. The tree is read when
 * somebody asks: of most views nobody does.
 */
export function viewSources(
  tree: string,
  isOpaque: (functionOid: number) => boolean,
): (attnum: number) => readonly SourceColumn[] | undefined {
  let unread: string | undefined = tree
  let query: Value | undefined
  return attnum => {
    if (unread !== undefined) {
      query = listOf(readNodeTree(unread))[0]
      unread = undefined
    }
    if (!isNode(query) || query.type !== 'QUERY') return undefined
    const sources = new Sources(isOpaque)
    sources.column(query, attnum, [])
    return sources.answer()
  }
}

/** The query at hand first, then those around it. */
type Scopes = readonly Node[]

/** What of a query was followed: one of its columns, its windows, all of it. */
type Followed = number | 'windows' | 'all'

class Sources {
  readonly #isOpaque: (functionOid: number) => boolean
  readonly #found = new Map<string, SourceColumn>()
  /** Columns of queries that were followed: a recursive WITH comes back to itself. */
  readonly #followed = new Map<Node, Set<Followed>>()
  #steps = 0
  #unknown = false

  constructor(isOpaque: (functionOid: number) => boolean) {
    this.#isOpaque = isOpaque
  }

  answer(): readonly SourceColumn[] | undefined {
    return this.#unknown ? undefined : [...this.#found.values()]
  }

  /** A column that a query answers. */
  column(query: Node, attnum: number, outer: Scopes): void {
    if (!this.#first(query, attnum)) return
    const scopes = [query, ...outer]
    const operations = query.fields.get('setOperations')
    if (isNode(operations)) {
      this.#leaves(operations, query, leaf => this.column(leaf, attnum, scopes))
      return
    }
    const entry = targetsOf(query).find(
      ({ fields }) => numberOf(fields, 'resno') === attnum && fields.get('resjunk') === 'false',
    )
    if (entry === undefined) this.#unknown = true
    else this.#walk(entry.fields.get('expr'), scopes)
  }

  /** All that a query makes use of. */
  #all(query: Node, outer: Scopes): void {
    if (!this.#first(query, 'all')) return
    const scopes = [query, ...outer]
    for (const [name, value] of query.fields) {
      if (name !== 'rtable' && name !== 'cteList') this.#walk(value, scopes)
    }
    for (const each of listOf(query.fields.get('rtable'))) {
      if (!isNode(each)) continue
      const [inner, around] =
        each.fields.get('rtekind') === '6'
          ? this.#named(each.fields, scopes)
          : [each.fields.get('subquery'), scopes]
      if (isNode(inner)) this.#all(inner, around)
      else this.#range(each, scopes)
    }
  }

  #walk(value: Value | undefined, scopes: Scopes): void {
    this.#steps += 1
    if (this.#steps > MOST_STEPS) this.#unknown = true
    if (this.#unknown || value === undefined || typeof value === 'string') return
    if (!isNode(value)) {
      for (const each of value) this.#walk(each, scopes)
      return
    }
    const { type, fields } = value
    if (calls.some(name => this.#isOpaque(numberOf(fields, name)))) this.#unknown = true
    if (numberOf(fields, 'opno') >= FIRST_USER_OID || fields.has('opnos')) this.#unknown = true
    if (type === 'VAR') this.#variable(fields, scopes)
    else if (type === 'QUERY') this.#all(value, scopes)
    else if (type === 'PARAM') {
      // The answer of the sub-query beside it, all of which counts.
      if (fields.get('paramkind') !== '2') this.#unknown = true
    } else {
      if (type === 'WINDOWFUNC') this.#windows(scopes)
      for (const each of fields.values()) this.#walk(each, scopes)
    }
  }

  /** By what a window parts and orders rows; which of the query's it is does not matter. */
  #windows(scopes: Scopes): void {
    const [query] = scopes
    if (query === undefined || !this.#first(query, 'windows')) return
    this.#walk(query.fields.get('windowClause'), scopes)
    for (const { fields } of targetsOf(query)) {
      if (numberOf(fields, 'ressortgroupref') > 0) this.#walk(fields.get('expr'), scopes)
    }
  }

  #variable(fields: Node['fields'], scopes: Scopes): void {
    const around = scopes.slice(numberOf(fields, 'varlevelsup'))
    const [query] = around
    const range = listOf(query?.fields.get('rtable'))[numberOf(fields, 'varno') - 1]
    const attnum = numberOf(fields, 'varattno')
    if (query === undefined || !isNode(range) || attnum === 0) {
      this.#unknown = true // a whole row, or a tree that does not hold together
      return
    }
    const entry = range.fields
    switch (entry.get('rtekind')) {
      case '0':
        // System columns hold nobody's data.
        if (attnum > 0) this.#add(numberOf(entry, 'relid'), attnum)
        return
      case '1':
        this.#inner(entry.get('subquery'), around, attnum)
        return
      case '2':
        this.#walk(listOf(entry.get('joinaliasvars'))[attnum - 1] ?? this.#none(), around)
        return
      case '6':
        this.#inner(...this.#named(entry, around), attnum)
        return
      case '9':
        this.#walk(listOf(entry.get('groupexprs'))[attnum - 1] ?? this.#none(), around)
        return
      default:
        this.#range(range, around)
    }
  }

  /** Functions, VALUES and the like: all that they are given. */
  #range({ fields }: Node, scopes: Scopes): void {
    const kind = fields.get('rtekind')
    if (kind === '3' || kind === '4' || kind === '5') {
      for (const name of ['functions', 'tablefunc', 'values_lists']) {
        this.#walk(fields.get(name), scopes)
      }
    } else if (kind !== '0' && kind !== '2' && kind !== '6' && kind !== '8' && kind !== '9') {
      this.#unknown = true
    }
  }

  /** The query that WITH gives the name, and those around it. */
  #named(entry: Node['fields'], scopes: Scopes): readonly [Value | undefined, Scopes] {
    const around = scopes.slice(numberOf(entry, 'ctelevelsup'))
    const found = listOf(around[0]?.fields.get('cteList')).find(
      each => isNode(each) && each.fields.get('ctename') === entry.get('ctename'),
    )
    if (!isNode(found)) this.#unknown = true
    return [isNode(found) ? found.fields.get('ctequery') : undefined, around]
  }

  #inner(query: Value | undefined, outer: Scopes, attnum: number): void {
    if (isNode(query) && query.type === 'QUERY') this.column(query, attnum, outer)
    else this.#unknown = true
  }

  /** The queries that a set operation is made of. */
  #leaves(operations: Node, query: Node, found: (leaf: Node) => void): void {
    if (operations.type === 'RANGETBLREF') {
      const range = listOf(query.fields.get('rtable'))[numberOf(operations.fields, 'rtindex') - 1]
      const leaf = isNode(range) ? range.fields.get('subquery') : undefined
      if (isNode(leaf)) found(leaf)
      else this.#unknown = true
      return
    }
    for (const side of ['larg', 'rarg']) {
      const inner = operations.fields.get(side)
      if (isNode(inner)) this.#leaves(inner, query, found)
      else this.#unknown = true
    }
  }

  #first(query: Node, what: Followed): boolean {
    const known = this.#followed.get(query)
    if (known === undefined) this.#followed.set(query, new Set([what]))
    else if (known.has(what)) return false
    else known.add(what)
    return true
  }

  #add(oid: number, attnum: number): void {
    if (oid === 0) this.#unknown = true
    else this.#found.set(`${oid} ${attnum}`, { oid, attnum })
  }

  #none(): undefined {
    this.#unknown = true
    return undefined
  }
}

const FIRST_USER_OID = 16_384
/** Fields that name a function. */
const calls = ['funcid', 'opfuncid', 'aggfnoid', 'winfnoid', 'hashfuncid', 'negfuncid']

function targetsOf(query: Node): readonly Node[] {
  return listOf(query.fields.get('targetList')).filter(isNode)
}

/** 0 where there is none. */
function numberOf(fields: Node['fields'], name: string): number {
  const value = fields.get(name)
  return typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : 0
}
