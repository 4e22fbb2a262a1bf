// Proof, in memory, that a statement was decided and put on record. Nothing goes upstream without one.
import type { CellPlan } from '#engines/masking'
import type { ColumnName, Statement } from '#model'

/** A column of an answer, as the protocol knows it. */
export interface ResultColumn {
  readonly name: string
  /** The base column that the upstream says it is; `unknown` when it says none. */
  readonly origin: ColumnName | 'unknown'
  /** True when the type holds text, so that a mask can take the value's place; otherwise NULL does. */
  readonly textual: boolean
  readonly format: 'text' | 'binary'
  /** True when the value cannot derive from any table's value (a count, a constant). */
  readonly harmless: boolean
}

/** What a permit is made from; only the gateway has it. */
export interface PermitTerms {
  readonly statement: Statement
  /** The index of the audit entry. */
  readonly auditIndex: number
  /** The most rows that the statement may change: more must be rolled back. */
  readonly maxRows: number | undefined
  /** The most rows and bytes of answer. */
  readonly limit: { readonly rows?: number; readonly bytes?: number }
  readonly plan: (columns: readonly ResultColumn[]) => readonly CellPlan[]
  readonly scrub: (text: string) => string
}

let mint: (terms: PermitTerms) => Permit

/** A permit. It cannot be built outside this module: the constructor asks for what only `mintPermit` has. */
export class Permit {
  readonly #terms: PermitTerms

  private constructor(terms: PermitTerms) {
    this.#terms = terms
  }

  static {
    mint = terms => new Permit(terms)
  }

  /** True for permits that this module minted, whatever a cast says. */
  static isMinted(value: unknown): value is Permit {
    return typeof value === 'object' && value !== null && #terms in value
  }

  get statement(): Statement {
    return this.#terms.statement
  }

  get auditIndex(): number {
    return this.#terms.auditIndex
  }

  get maxRows(): number | undefined {
    return this.#terms.maxRows
  }

  get limit(): { readonly rows?: number; readonly bytes?: number } {
    return this.#terms.limit
  }

  /** What to do with each cell of an answer of this shape. Decided once per shape, not per row. */
  results(columns: readonly ResultColumn[]): readonly CellPlan[] {
    return this.#terms.plan(columns)
  }

  /** A text of the upstream (error, notice) with what this principal may not see taken out. */
  scrub(text: string): string {
    return this.#terms.scrub(text)
  }
}

/** For the gateway alone: the room's door exports the type, not this. */
export function mintPermit(terms: PermitTerms): Permit {
  return mint(terms)
}
