// Code on the server that a statement runs: called by its text, or by what a relation does by itself. Its statements are
// resolved as others are; how deep, how much and in whose name is kept here.
import type { Flag, Lineage } from '#model'
import type { SqlStatement } from './analysis.ts'
import type { SqlCategory } from './categories.ts'
import type { Gathered } from './gathered.ts'
import type { ResolvedRoutine, ResolvedRule } from './names.ts'
import type { Code } from './postgres/bodies.ts'
import { unsaid } from './statement-lineage.ts'
import type { TextNames } from './text-names.ts'

/** EXECUTE of an EXECUTE of ...: the server has no such thing, a text may try. */
export const DEEPEST = 8
/** Characters of code on the server that one text makes us look into. */
const MOST_CODE = 65_536
/** Names in what the server itself spells out are qualified. */
const QUALIFIED = 'pg_catalog'
/** A rule's actions run with the rights of the table's owner. */
const rulesRun: readonly Flag[] = ['indirect', 'definer']

/** In which code an operation is found. */
interface Inside {
  readonly depth: number
  readonly flags: readonly Flag[]
  /** A relation's own, not called by who asks: what it does is to be permitted, that it is called is not. */
  readonly own: boolean
}
const TOP: Inside = { depth: 0, flags: [], own: false }

/** What is done with a statement of code. */
export interface Resolver {
  add(statement: SqlStatement, depth: number, shownOnly: boolean): void
  lineage(statement: SqlStatement): Lineage
}

export class ServerCode {
  readonly #names: TextNames
  readonly #gathered: Gathered
  readonly #resolver: Resolver
  #inside = TOP
  #ranOwn = false
  /** Of the code that the present statement has run. */
  #probes: Lineage['probes'] = []
  #transfers: Lineage['transfers'] = []
  #left = MOST_CODE
  /** Code that was looked into, by the rights that it runs with: it says the same again. */
  readonly #lookedInto = new Map<string, Set<ResolvedRoutine | ResolvedRule>>()

  constructor(names: TextNames, gathered: Gathered, resolver: Resolver) {
    this.#names = names
    this.#gathered = gathered
    this.#resolver = resolver
  }

  /** The statement at hand is one of code. */
  get running(): boolean {
    return this.#inside.depth > 0
  }

  /** ... of code that a relation runs by itself. */
  get runningOwn(): boolean {
    return this.#inside.own
  }

  /** Some relation has run code by itself. */
  get ranOwn(): boolean {
    return this.#ranOwn
  }

  /** With those of the code that it is found in. */
  flagged(flags: readonly Flag[]): readonly Flag[] {
    const { flags: ours } = this.#inside
    return ours.length === 0 ? flags : [...new Set([...flags, ...ours])]
  }

  /** Another path: code says other things under it. */
  turn(path: string | undefined): void {
    this.#lookedInto.clear()
    this.#names.turn(path)
  }

  /** A call of a function of a user: the function, and what its code does. */
  call(
    routine: ResolvedRoutine,
    verb: string,
    flags: readonly Flag[],
    shownOnly: boolean,
    kind = 'function',
    category: SqlCategory = 'unknown',
  ): void {
    const known = this.#lookInto(routine, rightsOf(routine), routine.path, shownOnly, false)
    const object = { name: routine.object, kind }
    if (this.#inside.own) this.#gathered.functions.add(routine.object)
    if (known === 'all') {
      if (this.#inside.own) return
      this.#gathered.add('execute', verb, object, [], this.flagged(flags), 'code')
      return
    }
    const dynamic = flags.includes('dynamic') ? flags : [...flags, 'dynamic' as const]
    const sort = known === 'some' ? 'code' : category
    this.#gathered.add('execute', verb, object, [], this.flagged(dynamic), sort)
    this.#gathered.anything = true
  }

  /**
   * What a relation runs by its own definition: what its code does. Where that cannot be told it is a call like another one.
   * (The planner runs it in earnest: nothing of it is only shown.)
   */
  own(routine: ResolvedRoutine, verb: string): void {
    this.#gathered.functions.add(routine.object)
    this.#ranOwn = true
    const known = this.#lookInto(routine, rightsOf(routine), routine.path, false, true)
    if (known === 'all') return
    const object = { name: routine.object, kind: 'function' }
    const flags = this.flagged(['dynamic', 'indirect'])
    const category = known === 'some' ? 'code' : 'unknown'
    this.#gathered.add('execute', verb, object, [], flags, category)
    this.#gathered.anything = true
  }

  rule(rule: ResolvedRule, shownOnly: boolean): void {
    this.#lookInto(rule, rulesRun, QUALIFIED, shownOnly, false)
  }

  /** What the code of the present statement asked and moved; the next one begins with nothing. */
  takeFlows(): Pick<Lineage, 'probes' | 'transfers'> {
    const flows = { probes: this.#probes, transfers: this.#transfers }
    this.#probes = []
    this.#transfers = []
    return flows
  }

  /** Adds what code on the server does; how much of it could be told. */
  #lookInto(
    code: ResolvedRoutine | ResolvedRule,
    flags: readonly Flag[],
    path: string | undefined,
    shownOnly: boolean,
    own: boolean,
  ): 'all' | 'some' | 'nothing' {
    const outer = this.#inside
    const inside = {
      depth: outer.depth + 1,
      flags: [...new Set([...outer.flags, ...flags])],
      own: own || outer.own,
    }
    const key = `${inside.flags.join(' ')} ${inside.own} ${shownOnly}`
    let seen = this.#lookedInto.get(key)
    if (seen === undefined) {
      seen = new Set()
      this.#lookedInto.set(key, seen)
    }
    const again = seen.has(code)
    if (!again) this.#left -= code.size
    const found = inside.depth > DEEPEST || this.#left < 0 ? 'unknown' : code.code()
    if (found === 'unknown') {
      this.#gathered.anything = true
      return 'nothing'
    }
    if (!again) {
      seen.add(code)
      this.#inside = inside
      this.#run(found, path, shownOnly)
      this.#inside = outer
    }
    if (found.dynamic) this.#gathered.anything = true
    return found.dynamic ? 'some' : 'all'
  }

  #run(code: Code, path: string | undefined, shownOnly: boolean): void {
    const { depth, own } = this.#inside
    this.#names.withPath(path, () => {
      for (const statement of code.statements) {
        // (Where its own code puts values a relation's owner has said, as a view's owner says what it shows.)
        if (!own && touchesRows(statement)) this.#flows(statement, code)
        this.#resolver.add(statement, depth, shownOnly)
      }
    })
    if (path === undefined) return
    // A SET in the code outlives the function's own setting.
    const sets = code.statements.some(({ settings }) =>
      settings.some(({ name }) => name === 'search_path' || name === 'all'),
    )
    if (sets) this.turn(undefined)
  }

  /** What a statement of code asks of columns and makes of their values. */
  #flows(statement: SqlStatement, code: Code): void {
    const { probes, transfers } = this.#resolver.lineage(statement)
    // Through variables values go from any statement of the code to any other.
    const gives = code.variables && writes(statement) ? 'unknown' : transfers
    // (With which values it compares, the text does not say.)
    const asked = probes === 'unknown' ? probes : probes.map(unsaid)
    this.#probes = joined(this.#probes, code.variables ? 'unknown' : asked)
    this.#transfers = joined(this.#transfers, gives)
  }
}

export function joined<T>(one: readonly T[] | 'unknown', other: readonly T[] | 'unknown') {
  if (one === 'unknown' || other === 'unknown') return 'unknown'
  if (one.length === 0) return other
  return other.length === 0 ? one : [...one, ...other]
}

function rightsOf({ definer }: ResolvedRoutine): readonly Flag[] {
  return definer ? ['indirect', 'definer'] : ['indirect']
}

function touchesRows({ operations }: SqlStatement): boolean {
  return operations.some(({ relation, action }) => relation !== undefined || action === 'execute')
}

function writes({ operations }: SqlStatement): boolean {
  return operations.some(({ action }) => action !== 'read' && action !== 'connect')
}
