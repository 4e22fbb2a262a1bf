// From the shape of an answer to what is done with each cell. What the server says of a column's origin and what the
// text says of its lineage both count; what neither can tell is redacted when anything hidden may be in it.
import { type Exposed, hiddenAmong, outputExposure } from '#engines/exposure'
import {
  type CellPlan,
  type CountingScanner,
  clearStream,
  createTextStream,
  type TextStream,
} from '#engines/masking'
import type { ColumnName, DataClass, Statement } from '#model'
import type { HiddenValue, ResultColumn } from '../protocol/index.ts'
import type { SessionView } from './sight.ts'

const HIDDEN = 'The message is hidden: it may quote values that are masked for you.'

/** What is said of a column by the server and by the text that does not fit. Both were heeded: it is masked. */
export interface Disagreement {
  readonly column: number
  readonly classes: readonly string[]
}

/** Plans one statement's answer as `view` allows. `note` hears of columns that were masked in disagreement. */
export function planCells(
  view: SessionView,
  statement: Statement,
  columns: readonly ResultColumn[],
  note?: (disagreement: Disagreement) => void,
): readonly CellPlan[] {
  if (view.isClear(columns)) return passes(columns.length)
  let clear = true
  const scanners = new Map<readonly string[], CountingScanner | undefined>()
  let untold: Exposed | undefined | null = null
  const plans = columns.map((column, index) => {
    const seen = exposureOf(column, view)
    clear &&= seen === CLEAR
    if (seen.disagree) note?.({ column: index, classes: seen.classes.map(({ name }) => name) })
    if (seen.classes.length > 0) return maskOf(view, seen.classes, seen.own, column.textual)
    if (seen.told) {
      const scannable = column.textual || column.form === 'structured'
      if (column.harmless || !scannable) return PASS
      return scanOf(view, column, scanners)
    }
    if (untold === null) untold = view.untold(statement)
    if (untold !== undefined) return maskOf(view, untold.classes, false, column.textual)
    const scannable = column.textual || column.form === 'structured'
    return scannable ? scanOf(view, column, scanners) : PASS
  })
  // Then it rests on nothing but the columns and the view.
  if (clear && plans.every(plan => plan === PASS)) view.noteClear(columns)
  return plans
}

const PASS: CellPlan = { kind: 'pass' }
const passed: (readonly CellPlan[])[] = []
const MOST_PASSED = 256

function passes(width: number): readonly CellPlan[] {
  const known = passed[width]
  if (known !== undefined) return known
  const plans = new Array<CellPlan>(width).fill(PASS)
  if (width <= MOST_PASSED) passed[width] = plans
  return plans
}

interface Seen {
  /** Hidden classes that are in it for certain. */
  readonly classes: readonly DataClass[]
  /** It is a value of its class as it is. */
  readonly own: boolean
  /** False: neither the server nor the text can tell where it comes from. */
  readonly told: boolean
  readonly disagree: boolean
}

const CLEAR: Seen = { classes: [], own: true, told: true, disagree: false }
const UNTOLD: Seen = { classes: [], own: false, told: false, disagree: false }

function exposureOf(column: ResultColumn, view: SessionView): Seen {
  const { origin, sources, lineage } = column
  const said = lineage === undefined ? undefined : outputExposure(lineage, view.hides)
  const told = lineage !== undefined && said?.kind !== 'untold'
  if (origin === 'unknown') {
    if (said?.kind === 'hidden') return { ...said, told, disagree: false }
    return told || column.harmless ? CLEAR : UNTOLD
  }
  const hidden = hiddenAmong(sources ?? [origin], view.hides)
  if (hidden === undefined && said?.kind !== 'hidden') return CLEAR
  const classes = hidden?.classes ?? []
  const more = said?.kind === 'hidden' ? said.classes : []
  const all = more.length === 0 ? classes : [...new Set([...classes, ...more])]
  const own = column.computed !== true && all.length === 1 && (said?.kind !== 'hidden' || said.own)
  const disagree = told && !lineage.sources.some(each => same(each, origin))
  return { classes: all, own, told: true, disagree }
}

function same(a: { object: string; column: string }, b: { object: string; column: string }) {
  return a.column === b.column && a.object === b.object
}

/** A text of the upstream that may quote values: hidden whole when the statement touches hidden columns. */
export function scrubText(view: SessionView, statement: Statement, text: string): string {
  if (view.untold(statement) !== undefined) return HIDDEN
  return view.masks.masking.scrub(text, view.detected('unknown'))
}

/** One value of a body that has columns: as its class says. */
export function valuePlan(
  view: SessionView,
  column: ColumnName,
  told: boolean,
): HiddenValue | undefined {
  const dataClass = view.hidesValue(column, told)
  if (dataClass === undefined) return undefined
  const { name, mask } = dataClass
  return mask === 'null'
    ? { kind: 'null', dataClass: name }
    : { kind: 'mask', dataClass: name, write: view.masks.masking.masker(name) }
}

/** Output that has no columns: detectors look for every class that is hidden. */
export function textStream(view: SessionView): TextStream {
  const scan = view.masks.masking.scanner(view.detected('unknown'))
  return scan === undefined ? clearStream : createTextStream(scan)
}

function maskOf(
  { masks }: SessionView,
  classes: readonly DataClass[],
  own: boolean,
  textual: boolean,
): CellPlan {
  const dataClass = masks.masking.mostSensitive(classes.map(({ name }) => name))
  const toNull = !textual || (own && classes[0]?.mask === 'null')
  if (toNull) return { kind: 'null', dataClass }
  if (own) return { kind: 'mask', dataClass, write: masks.masking.masker(dataClass) }
  // What was made of hidden values is NULL, or not, by what they are.
  return { kind: 'mask', dataClass, write: masks.redaction.masker(dataClass), nulls: true }
}

/** One scanner for all columns of an answer that the same is looked for in: it counts what it hid. */
function scanOf(
  view: SessionView,
  { origin }: ResultColumn,
  scanners: Map<readonly string[], CountingScanner | undefined>,
): CellPlan {
  const names = view.detected(origin)
  let scan = scanners.get(names)
  if (scan === undefined && !scanners.has(names)) {
    scan = view.masks.masking.scanner(names)
    scanners.set(names, scan)
  }
  return scan === undefined ? PASS : { kind: 'scan', scan }
}
