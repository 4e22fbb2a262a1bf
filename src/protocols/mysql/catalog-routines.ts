// Code of users that a catalog holds: functions, procedures, triggers. Texts until somebody asks what they do; each is read
// once. Pure.
import { alike, type Code, isBeyondAscii, occasion, type ResolvedRoutine } from '#engines/sql'
import type { NameKeys } from './catalog-keys.ts'
import { objectName } from './catalog-object.ts'
import type { CatalogRows } from './catalog-rows.ts'

export interface Trigger {
  readonly event: string
  readonly runs: ResolvedRoutine
}

/** What code does whose unqualified names are looked for in `database`. */
type CodeOf = (body: string, parameters: readonly string[], database: string) => Code | 'unknown'

export class Routines {
  readonly #keys: NameKeys
  readonly #codeOf: CodeOf
  readonly #routines = new Map<string, ResolvedRoutine[]>()
  readonly #triggers = new Map<string, Trigger[]>()
  /** Keys with letters beyond ASCII. */
  readonly #odd: readonly string[]

  constructor(rows: Pick<CatalogRows, 'routines' | 'triggers'>, keys: NameKeys, codeOf: CodeOf) {
    this.#keys = keys
    this.#codeOf = codeOf
    for (const { schema, name, body, parameters, definer } of rows.routines) {
      const routine = this.#routine(objectName(schema, name), schema, body, parameters, definer)
      push(this.#routines, keys.routine(schema, name), routine)
    }
    this.#odd = [...this.#routines.keys()].filter(isBeyondAscii)
    for (const { schema, table, name, event, body } of rows.triggers) {
      const runs = this.#routine(objectName(schema, name), schema, body, [], true)
      push(this.#triggers, keys.relation(schema, table), { event, runs })
    }
  }

  /** A function and a procedure may have one name. Where none is called so, those that a server may take for it. */
  named(schema: string, name: string): readonly ResolvedRoutine[] {
    const key = this.#keys.routine(schema, name)
    const found = this.#routines.get(key)
    if (found !== undefined) return found
    const keys = isBeyondAscii(key) ? [...this.#routines.keys()] : this.#odd
    return keys.filter(each => alike(each, key)).flatMap(each => this.#routines.get(each) ?? none)
  }

  triggersOf(schema: string, table: string): readonly Trigger[] {
    return this.#triggers.get(this.#keys.relation(schema, table)) ?? []
  }

  #routine(
    object: string,
    schema: string,
    body: string | undefined,
    parameters: readonly string[],
    definer: boolean,
  ): ResolvedRoutine {
    let known: Code | 'unknown' | undefined
    const code = (): Code | 'unknown' => {
      known ??= body === undefined ? 'unknown' : this.#codeOf(body, parameters, schema)
      return known
    }
    return { object, definer, code, size: body?.length ?? 0, path: schema }
  }
}

const none: readonly ResolvedRoutine[] = []

const events: Readonly<Record<string, number>> = {
  INSERT: occasion.insert,
  // (REPLACE, and ON DUPLICATE KEY UPDATE, are occasions of more than one.)
  UPDATE: occasion.update | occasion.insert,
  DELETE: occasion.delete | occasion.insert,
}

/** What of them runs on these occasions. */
export function firing(
  triggers: readonly Trigger[],
  occasions: number,
): readonly ResolvedRoutine[] {
  return triggers
    .filter(({ event }) => ((events[event] ?? -1) & occasions) !== 0)
    .map(({ runs }) => runs)
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
