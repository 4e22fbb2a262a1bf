// What runs when a relation is read or written though no text names it: by its own definition, by those of its children,
// of what a view reads, and of what its keys change. Pure.
import { occasion, type ResolvedRoutine } from '#engines/sql'
import type { Routines } from './catalog-routines.ts'

/** As catalog-code-queries.ts asks for it. */
export interface OwnCodeRows {
  readonly ofRelations: ReadonlyMap<
    number,
    readonly { readonly routine: number; readonly occasions: number }[]
  >
  /** On what occasions of a relation something happens to another one. */
  readonly leadsTo: ReadonlyMap<
    number,
    readonly { readonly on: number; readonly to: number; readonly occasions: number }[]
  >
  /** Types to functions that run when a value of theirs comes in. */
  readonly ofTypes: ReadonlyMap<number, readonly number[]>
  /** Functions behind casts that the server applies to built-in types by itself. */
  readonly unasked: readonly number[]
}

/** What the snapshot knows of relations besides. */
export interface Kin {
  childrenOf(relation: number): readonly number[]
  /** What a view reads; undefined for anything else. */
  viewedBy(
    relation: number,
  ): { readonly stored: boolean; readonly relations: readonly number[] } | undefined
}

const READING = occasion.read | occasion.plan

export class OwnCode {
  readonly #rows: OwnCodeRows
  readonly #routines: Routines
  readonly #kin: Kin
  readonly unasked: readonly ResolvedRoutine[]

  constructor(rows: OwnCodeRows, routines: Routines, kin: Kin) {
    this.#rows = rows
    this.#routines = routines
    this.#kin = kin
    this.unasked = this.#known(rows.unasked)
  }

  /** By occasion; undefined when nothing ever runs. */
  of(relation: number): ((occasions: number) => readonly ResolvedRoutine[]) | undefined {
    const all = this.#find(
      relation,
      Object.values(occasion).reduce((sum, each) => sum | each, 0),
    )
    if (all.length === 0) return undefined
    const known = new Map<number, readonly ResolvedRoutine[]>()
    return occasions => {
      let found = known.get(occasions)
      if (found === undefined) {
        found = this.#find(relation, occasions)
        known.set(occasions, found)
      }
      return found
    }
  }

  ofType(type: number): readonly ResolvedRoutine[] {
    return this.#known(this.#rows.ofTypes.get(type) ?? [])
  }

  #find(relation: number, occasions: number): readonly ResolvedRoutine[] {
    if (this.#rows.ofRelations.size === 0) return []
    const found = new Set<number>()
    const seen = new Map<number, number>()
    const open: [relation: number, occasions: number][] = [[relation, occasions]]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [at, asked] = next
      const before = seen.get(at) ?? 0
      const fresh = asked & ~before
      if (fresh === 0) continue
      seen.set(at, before | asked)
      for (const each of this.#rows.ofRelations.get(at) ?? []) {
        if ((each.occasions & fresh) !== 0) found.add(each.routine)
      }
      for (const { on, to, occasions: then } of this.#rows.leadsTo.get(at) ?? []) {
        if ((on & fresh) !== 0) open.push([to, then])
      }
      for (const child of this.#kin.childrenOf(at)) open.push([child, fresh])
      const viewed = this.#kin.viewedBy(at)
      if (viewed === undefined) continue
      if (viewed.stored && (fresh & occasion.refresh) === 0) continue
      // Who writes to a view may write to what it shows.
      const then = viewed.stored ? READING : fresh | READING
      for (const each of viewed.relations) open.push([each, then])
    }
    return this.#known([...found])
  }

  #known(oids: readonly number[]): readonly ResolvedRoutine[] {
    return oids.map(
      // One that was made since the functions were read: it may do anything.
      oid => this.#routines.get(oid) ?? { ...UNREAD, object: `pg_proc.${oid}` },
    )
  }
}

const UNREAD: Omit<ResolvedRoutine, 'object'> = { definer: false, size: 0, code: () => 'unknown' }
