// Holds a statement against what its principal may not see: whether it may ask about hidden columns, where their
// values may go, and whether it carries masks of ours. What it shows is masked, not refused: masks.ts.
import {
  judgeUses,
  markRefused,
  type ProbeRuling,
  predicateRuleFor,
  probeRefused,
  tooManyValues,
  type UseRefusal,
  valueUnknown,
} from '#engines/exposure'
import type {
  ColumnName,
  ComparedValue,
  MaskingSettings,
  Principal,
  Resource,
  Statement,
} from '#model'
import type { AskedValues } from './asked-values.ts'
import { hidingClass } from './body-masks.ts'
import type { SessionView } from './sight.ts'

export interface Circumstances {
  readonly principal: Principal
  readonly resource: Pick<Resource, 'name'>
  readonly settings: MaskingSettings
  readonly asked: AskedValues
  readonly now: () => number
}

/** Undefined: nothing forbids it. Values that it asks for are counted by then, unless it is only prepared. */
export function refuseUse(
  statement: Statement,
  view: SessionView,
  circumstances: Circumstances,
): UseRefusal | undefined {
  if (carriesMark(statement, view)) return { error: markRefused(), columns: [], classes: [] }
  if (view.masks.classes.length === 0) return undefined
  const refused = refuseFields(statement, view, circumstances)
  if (refused !== undefined || view.isFree(statement)) return refused
  const { principal, settings } = circumstances
  const rule = predicateRuleFor(principal, settings.predicates)
  const { refusal, counted } = judgeUses(statement, rule, view)
  if (refusal === undefined && counted.length === 0) view.noteFree(statement)
  // What is only prepared asks for nothing yet.
  if (refusal !== undefined || counted.length === 0 || statement.phase === 'prepare') return refusal
  return count(statement, counted, view, circumstances)
}

/** Of fields, where objects have no columns: what an answer would hide of them may not be asked for. */
function refuseFields(
  { fieldsAsked, operations }: Statement,
  view: SessionView,
  { principal, resource, settings, asked, now }: Circumstances,
): UseRefusal | undefined {
  if (fieldsAsked === undefined) return undefined
  const rule = predicateRuleFor(principal, settings.predicates)
  if (rule === 'allow') return undefined
  for (const { way, use, values } of fieldsAsked) {
    const dataClass = hidingClass(view, way)
    if (dataClass === undefined) continue
    const columns = [{ object: operations[0]?.object.name ?? '', column: way.join('.') }]
    if (rule === 'deny' || use !== 'equality') {
      const hidden = { columns, classes: [dataClass] }
      return probeRefused({ use, hidden, outcome: 'refused' }, rule)
    }
    const account = { principal: principal.id, resource: resource.name, dataClass: dataClass.name }
    const wanted = values.map(value => utf8.encode(value))
    if (!asked.take(account, wanted, settings.valuesPerHour, now()))
      return tooManyValues(columns, dataClass.name, settings.valuesPerHour)
  }
  return undefined
}

interface Asking {
  readonly columns: ColumnName[]
  readonly values: Uint8Array[]
}

const utf8 = new TextEncoder()

/** Counts the different values that hidden columns are compared with; all of them pass, or none. */
function count(
  statement: Statement,
  counted: readonly ProbeRuling[],
  view: SessionView,
  { principal, resource, settings, asked, now }: Circumstances,
): UseRefusal | undefined {
  const compared = statement.compared?.() ?? 'unknown'
  const known = compared === 'unknown' ? [] : compared
  const byClass = new Map<string, Asking>()
  for (const each of known) {
    const value = bytesOf(each, statement)
    for (const column of each.columns) {
      const dataClass = view.hides(column)?.name
      if (dataClass === undefined) continue
      if (value === undefined) return valueUnknown(column, dataClass)
      const asking = byClass.get(dataClass) ?? { columns: [], values: [] }
      byClass.set(dataClass, asking)
      asking.columns.push(column)
      if (value !== null) asking.values.push(value)
    }
  }
  for (const { hidden } of counted) {
    // A comparison that nothing was said of: its values cannot be counted.
    const missing = hidden?.columns.find(column => !includes(byClass, view, column))
    if (missing !== undefined) return valueUnknown(missing, view.hides(missing)?.name ?? '')
  }
  for (const [dataClass, { columns, values }] of byClass) {
    const account = { principal: principal.id, resource: resource.name, dataClass }
    if (!asked.take(account, values, settings.valuesPerHour, now()))
      return tooManyValues(columns, dataClass, settings.valuesPerHour)
  }
  return undefined
}

function includes(
  byClass: ReadonlyMap<string, Asking>,
  view: SessionView,
  wanted: ColumnName,
): boolean {
  const asking = byClass.get(view.hides(wanted)?.name ?? '')
  return (
    asking?.columns.some(
      ({ object, column }) => column === wanted.column && object === wanted.object,
    ) === true
  )
}

/** Null is no value, and asks for nothing; undefined: it is not known. */
function bytesOf(
  { value }: ComparedValue,
  { parameters }: Statement,
): Uint8Array | null | undefined {
  return 'text' in value ? utf8.encode(value.text) : parameters?.[value.parameter]?.value
}

/** Hash tokens count where something is stored: to join by one is what they are for. */
export function carriesMark(
  { text, parameters, operations, stored }: Statement,
  { masks }: SessionView,
): boolean {
  const { marks } = masks
  const stores = operations.some(({ action }) => action === 'write')
  if (marks.inText(text, stores)) return true
  if (parameters?.some(({ value }) => value !== null && marks.inBytes(value, stores)) === true)
    return true
  for (const each of stored?.() ?? []) if (marks.inBytes(each, true)) return true
  return false
}
