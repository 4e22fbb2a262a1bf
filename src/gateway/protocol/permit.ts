// Proof, in memory, that a statement was decided and put on record (where a protocol gathers what it sends: that it is by the time `Departure.clear` returns). Nothing goes upstream without one.
import type { BodyMasker, BodySettings, MessageMasker } from '#engines/bodies'
import type { CellPlan, TextStream } from '#engines/masking'
import type { AccessDenied, ColumnName, DataClass, OutputLineage, Statement } from '#model'

/** A column of an answer, as the protocol knows it. */
export interface ResultColumn {
  readonly name: string
  /** The base column that the upstream says it is; `unknown` when it says none. */
  readonly origin: ColumnName | 'unknown'
  /**
   * All columns that the value comes from, `origin` among them, when there are more (views, inheritance): it is
   * masked when one of them is.
   */
  readonly sources?: readonly ColumnName[]
  /** True when the value is made of `sources` by an expression: no method of a class fits it, so it is redacted. */
  readonly computed?: boolean
  /** True when the type holds text, so that a mask can take the value's place; otherwise NULL does. */
  readonly textual: boolean
  /**
   * `structured`: text inside a larger form (json, arrays). A mask makes it NULL; what the detectors find in it
   * is replaced in place, so `textual` is false and a plan may still be `scan`.
   */
  readonly form?: 'plain' | 'structured'
  readonly format: 'text' | 'binary'
  /** True when the value cannot derive from any table's value (a count, a constant). */
  readonly harmless: boolean
  /**
   * What the text says of it, sources expanded to all that they come from. It adds to `origin`: a column is masked
   * when either says so. Absent: nothing is known from the text.
   */
  readonly lineage?: OutputLineage
}

/** Looks at data that is to be stored, in order, however it is cut: the refusal once it must not be. */
export type StoredWatch = (
  bytes: Uint8Array,
  start: number,
  end: number,
) => AccessDenied | undefined

/** What a permit is made from; only the gateway has it. */
export interface PermitTerms {
  readonly statement: Statement
  /** The index of the audit entry. */
  readonly auditIndex: number
  /** The most rows that the statement may change: more must be rolled back. */
  readonly maxRows: number | undefined
  /** The most rows and bytes of answer. */
  readonly limit: { readonly rows?: number; readonly bytes?: number }
  /** A person said yes to it. */
  readonly approved: boolean
  readonly basis: PermitBasis
}

/** What is done with a value that is hidden. */
export type HiddenValue = Extract<CellPlan, { readonly kind: 'null' | 'mask' }>

/** What permits of one session rest on that were minted under the same rules. */
export interface PermitBasis {
  plan(
    statement: Statement,
    auditIndex: number,
    columns: readonly ResultColumn[],
  ): readonly CellPlan[]
  scrub(statement: Statement, text: string): string
  text(): TextStream
  masks(): boolean
  hiddenColumns(): readonly DataClass[]
  hidden(column: ColumnName, told: boolean): HiddenValue | undefined
  body(settings: BodySettings): BodyMasker | undefined
  messages(): MessageMasker | undefined
  stored(): StoredWatch
  /** Whether the rules still hold. */
  isCurrent(): boolean
}

let mint: (terms: PermitTerms) => Permit

/** A permit. It cannot be built outside this module: the constructor asks for what only `mintPermit` has. */
export class Permit {
  readonly #terms: PermitTerms
  #doubted: Statement | undefined

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

  /**
   * What the statement was judged by has changed before it ran: whatever the upstream does not say itself of its answer may
   * be anything. (The protocol leaves out what the text said of the columns.)
   */
  doubt(): void {
    this.#doubted ??= { ...this.#terms.statement, mayDeriveFrom: 'all' }
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

  get approved(): boolean {
    return this.#terms.approved
  }

  /** The same object for permits that rest on the same rules and show the same: what they do to a text is the same. */
  get under(): object {
    return this.#terms.basis
  }

  /** False once policies, classes or grants changed: what goes on under it must be judged again. */
  get current(): boolean {
    return this.#terms.basis.isCurrent()
  }

  /** What to do with each cell of an answer of this shape. Decided once per shape, not per row. */
  results(columns: readonly ResultColumn[]): readonly CellPlan[] {
    const { statement, auditIndex, basis } = this.#terms
    return basis.plan(this.#doubted ?? statement, auditIndex, columns)
  }

  /** For one stream of data that rides on this permit (COPY FROM): see that nothing is stored that is a mask of ours. */
  stored(): StoredWatch {
    return this.#terms.basis.stored()
  }

  /** Whether anything is hidden in bodies and texts that answer it. */
  get masks(): boolean {
    return this.#terms.basis.masks()
  }

  /** The classes whose columns are hidden, where bodies of answers have columns: else nobody need ask for one. */
  get hiddenColumns(): readonly DataClass[] {
    return this.#terms.basis.hiddenColumns()
  }

  /**
   * What is done with one value of an answer that has its columns within its body; undefined: it is shown. `told` is false
   * when it is not certain whose column it is.
   */
  hidden(column: ColumnName, told: boolean): HiddenValue | undefined {
    return this.#terms.basis.hidden(column, told)
  }

  /**
   * For one body that answers it: what masks it, as its type says; undefined: nothing is hidden. Throws BodyProblem for
   * a type that nobody reads.
   */
  body(settings: BodySettings): BodyMasker | undefined {
    return this.#terms.basis.body(settings)
  }

  /** For messages that answer it, each whole (a WebSocket's): JSON, or texts; undefined: nothing is hidden. */
  messages(): MessageMasker | undefined {
    return this.#terms.basis.messages()
  }

  /** For one stream of text that answers it (a command's output): what this principal may not see is taken out. */
  text(): TextStream {
    return this.#terms.basis.text()
  }

  /** A text of the upstream (error, notice) with what this principal may not see taken out. */
  scrub(text: string): string {
    return this.#terms.basis.scrub(this.#doubted ?? this.#terms.statement, text)
  }
}

/** For the gateway alone: the room's door exports the type, not this. */
export function mintPermit(terms: PermitTerms): Permit {
  return mint(terms)
}
