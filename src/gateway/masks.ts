// From the shape of an answer to what is done with each cell. Fails closed: what may derive from a column
// that this principal may not see, and cannot be told apart, is redacted whole.
import type { CellPlan, Masking } from '#engines/masking'
import type { Facts, SessionPolicies } from '#engines/policy'
import type { ColumnName, DataClass, Statement } from '#model'
import type { ResultColumn } from './permit.ts'

const HIDDEN = 'The message is hidden: it may quote values that are masked for you.'

/** The masking of one configuration, with its twin that redacts whole. */
export interface Masks {
  readonly classes: readonly DataClass[]
  readonly masking: Masking
  /** The same classes, each with the method `redact`: for values of unknown origin. */
  readonly redaction: Masking
}

/** Plans one statement's answers for one principal. `facts` are those of the moment it was decided. */
export function planCells(
  masks: Masks,
  policies: SessionPolicies,
  facts: Facts,
  statement: Statement,
  columns: readonly ResultColumn[],
): readonly CellPlan[] {
  let hiddenSource: string | undefined | null = null
  return columns.map(column => {
    const { origin } = column
    const scannable = column.textual || column.form === 'structured'
    if (origin !== 'unknown') {
      const hidden = hiddenClasses(masks, policies, facts, column.sources ?? [origin])
      if (hidden.size === 0) return scanOf(masks, policies, facts, origin, scannable)
      const name = masks.masking.mostSensitive([...hidden.keys()])
      const method = hidden.get(name)
      // The method of a class fits its own values only: not what was made of them, nor a mixture.
      const redacted = column.computed === true || hidden.size > 1
      const toNull = !column.textual || (!redacted && method === 'null')
      return maskOf(redacted ? masks.redaction : masks.masking, name, toNull)
    }
    if (column.harmless) return { kind: 'pass' }
    if (hiddenSource === null) hiddenSource = hiddenSourceOf(masks, policies, facts, statement)
    if (hiddenSource !== undefined) return maskOf(masks.redaction, hiddenSource, !column.textual)
    return scanOf(masks, policies, facts, 'unknown', scannable)
  })
}

/** The classes of these columns that the principal may not see, with their methods. */
function hiddenClasses(
  masks: Masks,
  policies: SessionPolicies,
  facts: Facts,
  columns: readonly ColumnName[],
): ReadonlyMap<string, DataClass['mask']> {
  let hidden: Map<string, DataClass['mask']> | undefined
  for (const column of columns) {
    const dataClass = masks.masking.classOf(column)
    if (dataClass === undefined || policies.reveals(dataClass.name, column, facts)) continue
    hidden ??= new Map()
    hidden.set(dataClass.name, dataClass.mask)
  }
  return hidden ?? NO_CLASSES
}

const NO_CLASSES: ReadonlyMap<string, DataClass['mask']> = new Map()

/** A text of the upstream that may quote values: hidden whole when the statement touches hidden columns. */
export function scrubText(
  masks: Masks,
  policies: SessionPolicies,
  facts: Facts,
  statement: Statement,
  text: string,
): string {
  if (hiddenSourceOf(masks, policies, facts, statement) !== undefined) return HIDDEN
  return masks.masking.scrub(text, hiddenDetectors(masks, policies, facts, 'unknown'))
}

/** The most sensitive class that the statement may touch and this principal may not see. */
function hiddenSourceOf(
  masks: Masks,
  policies: SessionPolicies,
  facts: Facts,
  statement: Statement,
): string | undefined {
  const from = statement.mayDeriveFrom
  const hidden =
    from === 'all'
      ? masks.classes
          .filter(
            ({ name, columns }) => columns.length > 0 && !policies.reveals(name, 'unknown', facts),
          )
          .map(({ name }) => name)
      : [...hiddenClasses(masks, policies, facts, from).keys()]
  return hidden.length === 0 ? undefined : masks.masking.mostSensitive(hidden)
}

function maskOf(masking: Masking, dataClass: string, toNull: boolean): CellPlan {
  return toNull
    ? { kind: 'null', dataClass }
    : { kind: 'mask', dataClass, write: masking.masker(dataClass) }
}

function scanOf(
  masks: Masks,
  policies: SessionPolicies,
  facts: Facts,
  column: ColumnName | 'unknown',
  scannable: boolean,
): CellPlan {
  if (!scannable) return { kind: 'pass' }
  const scan = masks.masking.scanner(hiddenDetectors(masks, policies, facts, column))
  return scan === undefined ? { kind: 'pass' } : { kind: 'scan', scan }
}

function hiddenDetectors(
  masks: Masks,
  policies: SessionPolicies,
  facts: Facts,
  column: ColumnName | 'unknown',
): string[] {
  return masks.classes
    .filter(each => each.detect !== undefined && !policies.reveals(each.name, column, facts))
    .map(each => each.name)
}
