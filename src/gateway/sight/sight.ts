// What one principal may see: which columns' values are hidden from it, and what detectors look for. Policies are
// asked once for each column where no fact can change their answer, and once for each statement otherwise.
import { type Exposed, type Hides, untoldOf, type View } from '#engines/exposure'
import type { Marks, Masking } from '#engines/masking'
import type { Facts, SessionPolicies } from '#engines/policy'
import type { ColumnName, DataClass, Statement } from '#model'
import type { ResultColumn } from '../protocol/index.ts'

/** The masking of one configuration, with its twin that redacts whole. */
export interface Masks {
  readonly classes: readonly DataClass[]
  readonly masking: Masking
  /** The same classes, each with the method `redact`: for values of unknown origin. */
  readonly redaction: Masking
  /** What masks of these classes look like when they come back. */
  readonly marks: Marks
  /** Bodies of answers have columns, and one of these classes at least is always there. */
  readonly columnsInBodies?: boolean
  /** For wires that bring classes of their own, by the wire's name: theirs and all others. */
  readonly ofWire?: ReadonlyMap<string, Masks>
}

/** The masking of answers that come over a wire. */
export function masksOn(masks: Masks, wire: string): Masks {
  return masks.ofWire?.get(wire) ?? masks
}

/** Columns that answers are kept of. */
const MOST_KEPT = 4_096
/** What a session runs again and again. */
const MOST_FREE = 16
const MOST_CLEAR = 16

/** By one set of policies and data classes; a session gets a new one when these change. */
export class Sight {
  readonly masks: Masks
  readonly #policies: SessionPolicies
  readonly #steady: boolean
  #view: SessionView | undefined

  constructor(masks: Masks, policies: SessionPolicies) {
    this.masks = masks
    this.#policies = policies
    this.#steady = policies.revealsSteadily()
  }

  /** What is seen under these facts. */
  at(facts: Facts): SessionView {
    if (!this.#steady) return new SessionView(this.masks, this.#policies, facts)
    this.#view ??= new SessionView(this.masks, this.#policies, facts)
    return this.#view
  }
}

type At = ColumnName | 'unknown'

/** What is seen at one moment. Its answers are kept: the same array for the same classes. */
export class SessionView implements View {
  readonly masks: Masks
  readonly #policies: SessionPolicies
  readonly #facts: Facts
  readonly #hidden = new Kept<DataClass | undefined>()
  readonly #detected = new Kept<readonly string[]>()
  readonly #lists = new Map<string, readonly string[]>()
  readonly #free = new Map<unknown, Pick<Statement, 'operations' | 'mayDeriveFrom'>>()
  readonly #clear = new Set<unknown>()
  #unknown: readonly string[] | undefined
  #anywhere: readonly DataClass[] | undefined

  constructor(masks: Masks, policies: SessionPolicies, facts: Facts) {
    this.masks = masks
    this.#policies = policies
    this.#facts = facts
  }

  /** The class of the column, when its values are hidden. */
  readonly hides: Hides = column =>
    this.#hidden.get(column, () => {
      const dataClass = this.masks.masking.classOf(column)
      return dataClass === undefined || this.#reveals(dataClass.name, column)
        ? undefined
        : dataClass
    })

  /** Classes that have columns, and are hidden when it is not known which. */
  readonly hiddenAnywhere = (): readonly DataClass[] => {
    this.#anywhere ??= this.masks.classes.filter(
      ({ name, columns }) => columns.length > 0 && !this.#reveals(name, 'unknown'),
    )
    return this.#anywhere
  }

  /** Classes that have fields in bodies, and are hidden there. */
  hiddenFields(): readonly DataClass[] {
    return this.masks.classes.filter(
      ({ name, keys = [], pointers = [] }) =>
        keys.length + pointers.length > 0 && !this.#reveals(name, 'unknown'),
    )
  }

  /**
   * The class of one value of an answer, when it is hidden. `told` is false when it is not certain whose column it is: then
   * no policy about columns reveals it.
   */
  hidesValue(column: ColumnName, told: boolean): DataClass | undefined {
    if (told) return this.hides(column)
    const dataClass = this.masks.masking.classOf(column)
    return dataClass === undefined || this.#reveals(dataClass.name, 'unknown')
      ? undefined
      : dataClass
  }

  /** What a part of the statement that cannot be told must be taken for. */
  untold(statement: Statement): Exposed | undefined {
    return untoldOf(statement, this)
  }

  /** True when it asks and sends nothing that is hidden here, as `noteFree` was told of the same parts before. */
  isFree({ lineage, operations, mayDeriveFrom }: Statement): boolean {
    const known = this.#free.get(lineage)
    return known?.operations === operations && known.mayDeriveFrom === mayDeriveFrom
  }

  noteFree({ lineage, operations, mayDeriveFrom }: Statement): void {
    if (lineage === undefined) return
    if (this.#free.size >= MOST_FREE) this.#free.clear()
    this.#free.set(lineage, { operations, mayDeriveFrom })
  }

  /** True when all cells of an answer of these very columns pass, whatever the statement is. */
  isClear(columns: readonly ResultColumn[]): boolean {
    return this.#clear.has(columns)
  }

  noteClear(columns: readonly ResultColumn[]): void {
    if (this.#clear.size >= MOST_CLEAR) this.#clear.clear()
    this.#clear.add(columns)
  }

  /** The classes whose detectors look at values of this column. */
  detected(column: At): readonly string[] {
    if (column !== 'unknown') return this.#detected.get(column, () => this.#detectedAt(column))
    this.#unknown ??= this.#detectedAt('unknown')
    return this.#unknown
  }

  #detectedAt(column: At): readonly string[] {
    // Frozen: what is kept for a list is kept by the list itself.
    const names = Object.freeze(
      this.masks.classes
        .filter(each => each.detect !== undefined && !this.#reveals(each.name, column))
        .map(each => each.name),
    )
    const key = JSON.stringify(names)
    const same = this.#lists.get(key)
    if (same === undefined) this.#lists.set(key, names)
    return same ?? names
  }

  #reveals(dataClass: string, column: At): boolean {
    return this.#policies.reveals(dataClass, column, this.#facts)
  }
}

/** Answers by column; bounded, forgets all at once. */
class Kept<Answer> {
  #byObject = new Map<string, Map<string, Answer>>()
  #count = 0

  get({ object, column }: ColumnName, ask: () => Answer): Answer {
    const known = this.#byObject.get(object)
    const answer = known?.get(column)
    if (answer !== undefined || known?.has(column) === true) return answer as Answer
    const asked = ask()
    if (this.#count >= MOST_KEPT) {
      this.#byObject = new Map()
      this.#count = 0
    }
    let columns = this.#byObject.get(object)
    if (columns === undefined) {
      columns = new Map()
      this.#byObject.set(object, columns)
    }
    columns.set(column, asked)
    this.#count += 1
    return asked
  }
}
