// One relation of a snapshot. Compact: its columns stay one string until somebody asks for them, since most of a big
// catalog is never touched.
import type { ResolvedRelation } from '#engines/sql'
import { qualifiedName } from './catalog-names.ts'
import { COLUMN_SEPARATOR, unescapeName } from './catalog-queries.ts'
import type { CatalogColumn, CatalogRelation, RelationKind } from './catalog-types.ts'

/** As RELATIONS answers it. */
export interface RelationRow {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly columns: string
}

const kinds: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'sequence',
}

export class Relation implements CatalogRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly object: string
  readonly kind: RelationKind
  readonly answers = new Map<number, CatalogColumn>()
  resolved: ResolvedRelation | undefined
  readonly #text: string
  #byNumber: ReadonlyMap<number, { readonly name: string; readonly typeOid: number }> | undefined
  #columns: readonly string[] | undefined

  constructor(row: RelationRow) {
    this.oid = row.oid
    this.schema = row.schema
    this.name = row.name
    this.object = qualifiedName(row.schema, row.name)
    this.kind = kinds[row.kind] ?? 'table'
    this.#text = row.columns
  }

  get columns(): readonly string[] {
    this.#columns ??= [...this.numbered().values()].map(column => column.name)
    return this.#columns
  }

  numbered(): ReadonlyMap<number, { readonly name: string; readonly typeOid: number }> {
    if (this.#byNumber === undefined) {
      const map = new Map<number, { name: string; typeOid: number }>()
      for (const text of this.#text === '' ? [] : this.#text.split(COLUMN_SEPARATOR)) {
        const first = text.indexOf(' ')
        const second = text.indexOf(' ', first + 1)
        map.set(Number(text.slice(0, first)), {
          typeOid: Number(text.slice(first + 1, second)),
          name: unescapeName(text.slice(second + 1)),
        })
      }
      this.#byNumber = map
    }
    return this.#byNumber
  }

  numberOf(name: string): number | undefined {
    for (const [attnum, column] of this.numbered()) if (column.name === name) return attnum
    return undefined
  }
}

export function isView({ kind }: Relation): boolean {
  return kind === 'view' || kind === 'materialized view'
}
