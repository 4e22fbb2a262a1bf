// The columns of an answer: what RowDescription says, and what the catalog knows of their origin. Turns them
// into the gateway's ResultColumns and asks the permit what to do with each cell. Sees no value.
import { type CellPlan, createMasking } from '#engines/masking'
import type { Output } from '#engines/sql'
import type { Permit, ResultColumn } from '#gateway'
import type { ColumnName, DataClass } from '#model'
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

/** A column before its format is known. */
interface Described {
  readonly name: string
  readonly origin: ColumnName | 'unknown'
  readonly form: TextForm
  readonly typeOid: number
  readonly harmless: boolean
}

export class Shape {
  readonly fields: readonly Field[]
  readonly #outputs: readonly Output[] | 'unknown'
  #described: readonly Described[] = []
  #version = -1
  #classes: readonly DataClass[] | undefined

  /** `outputs`: what the text says of the columns; ignored when it does not fit. */
  constructor(fields: readonly Field[], outputs: readonly Output[] | 'unknown') {
    this.fields = fields
    this.#outputs = outputs !== 'unknown' && outputs.length === fields.length ? outputs : 'unknown'
  }

  /** True when a column names a table or column that the catalog's snapshot does not have. */
  unknownTo(catalog: Catalog): boolean {
    return this.fields.some(
      ({ tableOid, attnum }) =>
        tableOid !== 0 && attnum > 0 && catalog.column(tableOid, attnum) === undefined,
    )
  }

  /**
   * What the permit says of each cell. `formats` as in Bind; undefined: those of the RowDescription. `suspect`:
   * definitions were changed that the catalog has not read, so that it does not know what views show.
   */
  plans(
    permit: Permit,
    catalog: Catalog,
    classes: readonly DataClass[],
    formats: readonly number[] | undefined,
    suspect = false,
  ): readonly CellPlan[] {
    if (suspect || this.#version !== catalog.version || this.#classes !== classes) {
      this.#described = this.fields.map((field, index) =>
        this.#describe(field, index, catalog, classes, suspect),
      )
      // (Snapshots count from 0 up.)
      this.#version = suspect ? -1 : catalog.version
      this.#classes = classes
    }
    const columns = this.#described.map((column, index) =>
      resultColumn(column, this.format(index, formats)),
    )
    return plansFor(
      permit,
      columns,
      this.#described.map((column, index) => scannable(column, this.format(index, formats))),
    )
  }

  format(index: number, formats: readonly number[] | undefined): number {
    return formats === undefined ? (this.fields[index]?.format ?? 0) : formatAt(formats, index)
  }

  #describe(
    field: Field,
    index: number,
    catalog: Catalog,
    classes: readonly DataClass[],
    suspect: boolean,
  ): Described {
    const { name, tableOid, attnum, typeOid } = field
    const form = catalog.textForm(typeOid)
    const base = { name, form, typeOid }
    if (tableOid === 0) {
      const harmless = this.#outputs !== 'unknown' && this.#outputs[index]?.harmless === true
      return { ...base, origin: 'unknown', harmless }
    }
    // System columns (ctid, tableoid, ...) are addresses, no table's values.
    if (attnum < 0) return { ...base, origin: 'unknown', harmless: true }
    const column = catalog.column(tableOid, attnum)
    const moving = suspect && catalog.relation(tableOid)?.kind !== 'table'
    return {
      ...base,
      origin: moving || column === undefined ? 'unknown' : originOf(column, classes),
      harmless: false,
    }
  }
}

function resultColumn(column: Described, format: number): ResultColumn {
  return {
    name: column.name,
    origin: column.origin,
    textual: column.form === 'whole',
    format: format === 1 ? 'binary' : 'text',
    harmless: column.harmless,
  }
}

const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802])

/** True when detectors can read the value though a mask cannot stand for the whole of it. */
function scannable(column: Described, format: number): boolean {
  return column.form === 'within' && (format === 0 || JSON_TYPES.has(column.typeOid))
}

/**
 * Asks the permit. A column whose text is inside a larger form (json, arrays) is asked for twice: a mask
 * must make it NULL, but when none is due, what the detectors find in it is still replaced.
 */
export function plansFor(
  permit: Permit,
  columns: readonly ResultColumn[],
  scannables: readonly boolean[],
): readonly CellPlan[] {
  const plans = permit.results(columns)
  if (!scannables.includes(true)) return plans
  const asText = permit.results(
    columns.map((column, index) =>
      scannables[index] === true ? { ...column, textual: true } : column,
    ),
  )
  return plans.map((plan, index) => {
    const scan = asText[index]
    return scannables[index] === true && plan.kind === 'pass' && scan?.kind === 'scan' ? scan : plan
  })
}

/**
 * The one column whose class decides, or `unknown`, which the gateway treats as the most sensitive that the
 * statement may touch: when the value is computed from a classed column, or several classes meet in it.
 */
export function originOf(
  column: CatalogColumn,
  classes: readonly DataClass[],
): ColumnName | 'unknown' {
  if (column.sources === 'all') return 'unknown'
  const classOf = classifier(classes)
  let found: ColumnName | undefined
  let foundClass: string | undefined
  for (const source of column.sources) {
    const dataClass = classOf(source)
    if (dataClass === undefined) continue
    if (foundClass !== undefined && foundClass !== dataClass) return 'unknown'
    found ??= source
    foundClass = dataClass
  }
  if (found === undefined) return column.own
  return column.shape === 'computed' ? 'unknown' : found
}

const classifiers = new WeakMap<readonly DataClass[], (column: ColumnName) => string | undefined>()

function classifier(classes: readonly DataClass[]): (column: ColumnName) => string | undefined {
  let known = classifiers.get(classes)
  if (known === undefined) {
    // Names only: nothing is masked with this key.
    const masking = createMasking({ classes, tokenKey: new Uint8Array(32) })
    known = column => masking.classOf(column)?.name
    classifiers.set(classes, known)
  }
  return known
}
