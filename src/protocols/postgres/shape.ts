// The columns of an answer: what RowDescription says, and what the catalog knows of their origin. Turns them
// into the gateway's ResultColumns and asks the permit what to do with each cell. Sees no value.

import { RowPlan } from '#engines/masking'
import { fitting } from '#engines/sql'
import type { Permit, ResultColumn } from '#gateway'
import type { Lineage, OutputLineage } from '#model'
import type { Catalog, CatalogColumn, TextForm } from './catalog-types.ts'
import { formatAt } from './prepared.ts'

export interface Field {
  readonly name: string
  readonly tableOid: number
  readonly attnum: number
  readonly typeOid: number
  readonly format: number
}

/** Reads a RowDescription's body; undefined when it is malformed: the upstream is not to be trusted then. */
export function readFields(
  bytes: Buffer,
  start: number,
  end: number,
): readonly Field[] | undefined {
  if (end - start < 2) return undefined
  const count = bytes.readInt16BE(start)
  if (count < 0) return undefined
  const fields: Field[] = []
  let at = start + 2
  for (let i = 0; i < count; i++) {
    const zero = bytes.indexOf(0, at)
    if (zero < 0 || zero + 19 > end) return undefined
    const format = bytes.readInt16BE(zero + 17)
    if (format !== 0 && format !== 1) return undefined
    fields.push({
      name: bytes.toString('utf8', at, zero),
      tableOid: bytes.readUInt32BE(zero + 1),
      attnum: bytes.readInt16BE(zero + 5),
      typeOid: bytes.readUInt32BE(zero + 7),
      format,
    })
    at = zero + 19
  }
  return at === end ? fields : undefined
}

export class Shape {
  readonly fields: readonly Field[]
  readonly #names: readonly string[]
  // What is known of the columns is the same for every statement until one of these changes.
  #catalog: Catalog | undefined
  #version = -1
  #formats: readonly number[] | undefined
  #outputs: Lineage['outputs'] | undefined
  #columns: readonly ResultColumn[] = []
  #rigid: readonly boolean[] | undefined
  #hex: readonly boolean[] = []

  constructor(fields: readonly Field[]) {
    this.fields = fields
    this.#names = fields.map(({ name }) => name)
  }

  /** True when a column names a table or column that the catalog's snapshot does not have. */
  unknownTo(catalog: Catalog): boolean {
    for (const { tableOid, attnum } of this.fields) {
      if (tableOid !== 0 && attnum > 0 && catalog.column(tableOid, attnum) === undefined)
        return true
    }
    return false
  }

  /**
   * What the permit says of each cell. `outputs`: what the text says of the columns; ignored when it does not fit.
   * `formats` as in Bind; undefined: those of the RowDescription. `suspect`:
   * definitions were changed that the catalog has not read, so that it does not know what views show.
   */
  plan(
    permit: Permit,
    outputs: Lineage['outputs'] | undefined,
    catalog: Catalog,
    formats: readonly number[] | undefined,
    suspect: boolean,
  ): RowPlan {
    this.#look(outputs, catalog, formats, suspect)
    return new RowPlan(permit.results(this.#columns), this.#rigid)
  }

  /** For a sample of the answer that `plan` was last asked for: names, and which columns' bytes are no text. */
  get sampled(): { readonly names: readonly string[]; readonly hex: readonly boolean[] } {
    return { names: this.#names, hex: this.#hex }
  }

  #look(
    outputs: Lineage['outputs'] | undefined,
    catalog: Catalog,
    formats: readonly number[] | undefined,
    suspect: boolean,
  ): void {
    if (
      !suspect &&
      this.#outputs === outputs &&
      this.#catalog === catalog &&
      this.#version === catalog.version &&
      sameFormats(this.#formats, formats)
    ) {
      return
    }
    const { fields } = this
    const formatOf = (index: number): number =>
      formats === undefined ? (fields[index]?.format ?? 0) : formatAt(formats, index)
    const lineage = fitting(
      outputs,
      fields.map(({ tableOid, attnum }) =>
        tableOid === 0 || attnum <= 0 ? undefined : catalog.column(tableOid, attnum)?.own,
      ),
    )
    this.#columns = fields.map((field, index) =>
      describe(field, formatOf(index), lineage?.[index], catalog, suspect),
    )
    const rigid = this.#columns.map(
      ({ form, format }, index) =>
        form === 'structured' && format === 'binary' && !isTextual(fields[index]?.typeOid),
    )
    this.#rigid = rigid.includes(true) ? rigid : undefined
    this.#hex = this.#columns.map(({ textual, format }) => format === 'binary' && !textual)
    this.#catalog = catalog
    // (Snapshots count from 0 up.)
    this.#version = suspect ? -1 : catalog.version
    this.#formats = formats
    this.#outputs = outputs
  }
}

function describe(
  field: Field,
  format: number,
  lineage: OutputLineage | undefined,
  catalog: Catalog,
  suspect: boolean,
): ResultColumn {
  const { name, tableOid, attnum } = field
  const base = {
    name,
    format: format === 1 ? ('binary' as const) : ('text' as const),
    ...formOf(catalog.textForm(field.typeOid)),
    ...(lineage === undefined ? {} : { lineage }),
  }
  if (tableOid === 0) return { ...base, origin: 'unknown', harmless: isHarmless(lineage) }
  // System columns (ctid, tableoid, ...) are addresses, no table's values.
  if (attnum < 0) return { ...base, origin: 'unknown', harmless: true }
  const column = catalog.column(tableOid, attnum)
  const moving = suspect && catalog.relation(tableOid)?.kind !== 'table'
  return {
    ...base,
    ...(moving || column === undefined ? { origin: 'unknown' as const } : originsOf(column)),
    harmless: false,
  }
}

/** No value of a table is in it. */
export function isHarmless(lineage: OutputLineage | undefined): boolean {
  return lineage !== undefined && lineage.sources.length === 0 && lineage.how !== 'unknown'
}

/** How the values of a type can be masked, in the gateway's words. */
export function formOf(form: TextForm): Pick<ResultColumn, 'textual' | 'form'> {
  return form === 'within' ? { textual: false, form: 'structured' } : { textual: form === 'whole' }
}

/** Where a column's values come from, in the gateway's words. */
export function originsOf({
  own,
  sources,
  shape,
}: CatalogColumn): Pick<ResultColumn, 'origin' | 'sources' | 'computed'> {
  if (sources === 'all') return { origin: 'unknown' }
  if (sources.length < 2 && shape === 'same') return { origin: own }
  return { origin: own, sources, computed: shape === 'computed' }
}

/** json, xml, jsonb (behind its version byte): the binary format is the text. */
function isTextual(typeOid: number | undefined): boolean {
  return typeOid === 114 || typeOid === 142 || typeOid === 3802
}

function sameFormats(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
