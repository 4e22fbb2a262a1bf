// Which functions of users a statement may call: by name, by a name that a built-in one has, by an operator, an attribute, a
// cast.
import type { Action, Flag } from '#model'
import type { RawOperation, RelationName, SqlStatement } from './analysis.ts'
import type { SqlCategory } from './categories.ts'
import type { Gathered } from './gathered.ts'
import type { ResolvedRelation, ResolvedRoutine } from './names.ts'
import { safeFunctions } from './postgres/catalog-names.ts'
import type { ServerCode } from './server-code.ts'
import type { TextNames } from './text-names.ts'

interface ObjectName {
  readonly name: string
  readonly kind: string
}

export class Calls {
  readonly #names: TextNames
  readonly #found: Gathered
  readonly #code: ServerCode

  constructor(names: TextNames, found: Gathered, code: ServerCode) {
    this.#names = names
    this.#found = found
    this.#code = code
  }

  /** False when no function of a user that can be read is behind it. */
  operator(written: string, verb: string, shownOnly: boolean): boolean {
    const dot = written.lastIndexOf('.')
    const schema = dot === -1 ? undefined : written.slice(0, dot)
    const found = this.#names.now.operators?.({ schema, name: written.slice(dot + 1) }) ?? []
    for (const each of found) this.#code.call(each, verb, [], shownOnly)
    return found.length > 0
  }

  function(raw: RawOperation & { readonly object: ObjectName }, shownOnly: boolean): void {
    const { action, verb, object, flags, category } = raw
    const dot = object.name.lastIndexOf('.')
    const schema = dot === -1 ? undefined : object.name.slice(0, dot)
    const name = { schema, name: object.name.slice(dot + 1) }
    const routines = schema === 'pg_catalog' ? [] : this.#routines(name)
    for (const each of routines) {
      this.#code.call(each, verb, flags, shownOnly, object.kind, category)
    }
    if (routines.length > 0) return
    // What a setting says is at hand to any expression of a definition.
    if (this.#code.runningOwn && object.name === 'pg_catalog.current_setting') return
    this.#found.anything = true
    this.#add(action, verb, object, [], flags, category)
  }

  /** A function of a user that has a built-in one's name may be the better match for the arguments. */
  overloads(statement: SqlStatement, shownOnly: boolean): void {
    for (const name of statement.presumedBuiltIn) this.overload(name, statement.verb, shownOnly)
    for (const name of statement.operators) this.operator(name, statement.verb, shownOnly)
  }

  overload(name: string, verb: string, shownOnly = false): boolean {
    const routines = this.#routines({ schema: undefined, name })
    for (const each of routines) this.#code.call(each, verb, [], shownOnly)
    return routines.length > 0
  }

  /** True when an attribute may be a function of a whole row. */
  attributes(statement: SqlStatement): boolean {
    let whole = false
    for (const name of statement.attributes) {
      if (this.overload(name, statement.verb)) whole = true
    }
    return whole
  }

  /** Its answer is made of its arguments: it is read as a whole, asks no relation and calls nobody's code. */
  computesOnly({ code }: ResolvedRoutine): boolean {
    const found = code()
    const { now } = this.#names
    const isOwn = (name: string): boolean =>
      (now.functions?.({ schema: undefined, name }).length ?? 0) > 0
    const isOwnOperator = (name: string): boolean =>
      (now.operators?.({ schema: undefined, name }).length ?? 0) > 0
    return (
      found !== 'unknown' &&
      !found.dynamic &&
      found.statements.every(
        ({ operations, castsTo, presumedBuiltIn, attributes, operators, settings }) =>
          operations.every(
            ({ relation, object }) => relation === undefined && object === undefined,
          ) &&
          castsTo.length === 0 &&
          settings.length === 0 &&
          ![...presumedBuiltIn, ...attributes].some(isOwn) &&
          !operators.some(isOwnOperator),
      )
    )
  }

  casts(statement: SqlStatement): void {
    for (const type of statement.castsTo) {
      if (this.#names.now.isPlainType?.(type) === true) continue
      const name = type.schema === undefined ? type.name : `${type.schema}.${type.name}`
      this.#found.anything = true
      this.#add('execute', statement.verb, { name, kind: 'type' }, [], [], 'unknown')
    }
  }

  /** `c.name` without such a column is `name(c)`: a function of the whole row. */
  rowFunction(name: string, raw: RawOperation, relation: ResolvedRelation): void {
    this.#found.derive(relation, 'all')
    this.#found.anything = true
    const overloads = this.#names.now.functions?.({ schema: undefined, name }) ?? []
    if (overloads.length > 0) this.overload(name, raw.verb)
    else if (!safeFunctions.has(name)) {
      this.#add('execute', raw.verb, { name, kind: 'function' }, [], [], 'unknown')
    }
  }

  #routines(name: RelationName): readonly ResolvedRoutine[] {
    const names = this.#names.now
    if (names.routines !== undefined) return names.routines(name)
    return (names.functions?.(name) ?? []).map(object => ({
      object,
      definer: false,
      size: 0,
      code: () => 'unknown' as const,
    }))
  }

  #add(
    action: Action,
    verb: string,
    object: ObjectName,
    columns: readonly string[],
    flags: readonly Flag[],
    category: SqlCategory,
  ): void {
    this.#found.add(action, verb, object, columns, this.#code.flagged(flags), category)
  }
}
