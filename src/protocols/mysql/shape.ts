// The columns of an answer as they were described, and what is known of them for as long as nothing that it rests on has
// changed. One memory for all sessions: most descriptions were seen before, and the bytes say whether it is the same one.
import { RowPlan } from '#engines/masking'
import type { SqlStatement } from '#engines/sql'
import type { Permit, ResultColumn } from '#gateway'
import type { Lineage } from '#model'
import type { Catalog } from './catalog-types.ts'
import { type ColumnDefinition, type Format, fixedBytes, resultColumns } from './columns.ts'
import { areDiagnostics } from './reports.ts'
import type { StatementBuilder } from './statement.ts'

/** Descriptions up to this are kept to be known again. */
const MOST_KEPT = 16 << 10

export class Shape {
  readonly definitions: readonly ColumnDefinition[]
  readonly names: readonly string[]
  /** These are the columns of SHOW WARNINGS; those of any other answer may be called so, too. */
  readonly diagnostics: boolean
  /** Of a binary row's values. */
  readonly sizes: readonly (number | 'dated' | undefined)[]
  readonly #text = new KnownColumns()
  readonly #binary = new KnownColumns()

  constructor(definitions: readonly ColumnDefinition[]) {
    this.definitions = definitions
    this.names = definitions.map(({ name }) => name)
    this.diagnostics = areDiagnostics(definitions)
    this.sizes = definitions.map(({ type }) => fixedBytes(type))
  }

  /** What the permit says of each cell. `outputs`: what the text says of the columns. */
  plan(
    permit: Permit,
    outputs: Lineage['outputs'] | undefined,
    builder: StatementBuilder,
    catalog: Catalog,
    format: Format,
  ): RowPlan {
    const known = format === 'text' ? this.#text : this.#binary
    return known.plan(permit, this.definitions, outputs, builder, catalog, format)
  }
}

/** In one format. */
class KnownColumns {
  #outputs: Lineage['outputs'] | undefined
  #catalog: Catalog | undefined
  #version = -1
  #columns: readonly ResultColumn[] | undefined
  #cells: ReturnType<Permit['results']> | undefined
  #untouched: RowPlan | undefined

  plan(
    permit: Permit,
    definitions: readonly ColumnDefinition[],
    outputs: Lineage['outputs'] | undefined,
    builder: StatementBuilder,
    catalog: Catalog,
    format: Format,
  ): RowPlan {
    // (What a temporary table hides is one session's own.)
    if (builder.hasShadows)
      return new RowPlan(permit.results(resultColumns(definitions, outputs, builder, format)))
    const { version } = catalog
    if (
      this.#columns === undefined ||
      this.#catalog !== catalog ||
      this.#version !== version ||
      this.#outputs !== outputs
    ) {
      this.#columns = resultColumns(definitions, outputs, builder, format)
      this.#catalog = catalog
      this.#version = version
      this.#outputs = outputs
    }
    const cells = permit.results(this.#columns)
    // (One that changes nothing counts nothing either: it is nobody's own.)
    if (this.#untouched !== undefined && cells === this.#cells) return this.#untouched
    const plan = new RowPlan(cells)
    this.#cells = cells
    this.#untouched = plan.untouched ? plan : undefined
    return plan
  }
}

/** A description as it came: the packets of the count and of the columns, with the numbers that they had. */
export interface Described {
  readonly bytes: Buffer
  readonly shape: Shape
}

const described = new WeakMap<SqlStatement, Described>()

export function describedBefore(statement: SqlStatement): Described | undefined {
  return described.get(statement)
}

export function keepDescribed(
  statement: SqlStatement,
  bytes: Buffer,
  from: number,
  to: number,
  shape: Shape,
): void {
  if (to - from > MOST_KEPT) return
  described.set(statement, { bytes: Buffer.from(bytes.subarray(from, to)), shape })
}
