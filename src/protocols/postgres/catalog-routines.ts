// Code of users that a catalog holds: functions and procedures, the operators that run them, rules. Texts until somebody
// asks what they do; each is read once. Pure.
import {
  type Code,
  type RelationName,
  type ResolvedRoutine,
  type ResolvedRule,
  readRoutine,
  readRule,
} from '#engines/sql'
import { qualifiedName } from './catalog-names.ts'

/** As ROUTINES answers it. */
export interface RoutineRow {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly definer: boolean
  /** The search_path that it sets. */
  readonly path: string | undefined
  /** CREATE FUNCTION, in a language that can be read; undefined for others and for what is too long. */
  readonly definition: string | undefined
}

/** As RULES answers it; `event` is pg_rewrite.ev_type. */
export interface RuleRow {
  readonly relation: number
  readonly event: string
  readonly definition: string | undefined
}

interface Entry {
  readonly schema: string
  readonly routine: ResolvedRoutine
}

type Within = (candidate: { readonly schema: string }) => boolean

export class Routines {
  readonly #byOid = new Map<number, ResolvedRoutine>()
  readonly #byName = new Map<string, Entry[]>()
  readonly #operators = new Map<string, Entry[]>()

  add(row: RoutineRow): void {
    const { oid, schema, name, definer, path, definition } = row
    const routine: ResolvedRoutine = {
      object: qualifiedName(schema, name),
      definer,
      size: definition?.length ?? 0,
      code: once(() => (definition === undefined ? 'unknown' : readRoutine(definition))),
      ...(path === undefined ? {} : { path }),
    }
    this.#byOid.set(oid, routine)
    push(this.#byName, name, { schema, routine })
  }

  /** An operator and the function that it runs. */
  addOperator(schema: string, name: string, functionOid: number): void {
    const routine = this.#byOid.get(functionOid)
    if (routine !== undefined) push(this.#operators, name, { schema, routine })
  }

  get(oid: number): ResolvedRoutine | undefined {
    return this.#byOid.get(oid)
  }

  named({ name }: RelationName, within: Within): readonly ResolvedRoutine[] {
    return chosen(this.#byName.get(name), within)
  }

  operators({ name }: RelationName, within: Within): readonly ResolvedRoutine[] {
    return chosen(this.#operators.get(name), within)
  }
}

const events: Readonly<Record<string, ResolvedRule['event']>> = {
  2: 'UPDATE',
  3: 'INSERT',
  4: 'DELETE',
}

/** Rules by the relation that they are on. */
export function rulesOf(rows: readonly RuleRow[]): ReadonlyMap<number, readonly ResolvedRule[]> {
  const rules = new Map<number, ResolvedRule[]>()
  for (const { relation, event, definition } of rows) {
    const verb = events[event]
    if (verb === undefined) continue
    push(rules, relation, {
      event: verb,
      size: definition?.length ?? 0,
      code: once(() => (definition === undefined ? 'unknown' : readRule(definition))),
    })
  }
  return rules
}

const none: readonly never[] = []

function chosen(entries: readonly Entry[] | undefined, within: Within): readonly ResolvedRoutine[] {
  if (entries === undefined) return none
  return entries.filter(within).map(({ routine }) => routine)
}

function once(read: () => Code | 'unknown'): () => Code | 'unknown' {
  let code: Code | 'unknown' | undefined
  return () => {
    code ??= read()
    return code
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
