// The words of refusals over hidden columns: which column, which class, why, and what would be permitted. No values.
import {
  AccessDenied,
  type ColumnName,
  type PredicateRule,
  type ProbeUse,
  type ReasonCode,
} from '#model'
import type { Exposed } from './hidden.ts'
import type { ProbeRuling } from './probes.ts'
import type { TransferRuling } from './transfers.ts'

/** A refusal, and what of it goes on record besides its code. */
export interface UseRefusal {
  readonly error: AccessDenied
  readonly columns: readonly string[]
  readonly classes: readonly string[]
}

const MOST_NAMED = 5

const FORBIDDEN: Readonly<Record<ProbeUse | 'unknown', string>> = {
  equality: 'it may not be compared',
  condition: 'it may not choose rows',
  join: 'it may not join rows',
  order: 'it may not order rows',
  group: 'it may not group rows or tell them apart',
  window: 'it may not order or part a window',
  argument: 'it may not be given to what can fail, or has more or fewer rows, by its value',
  conflict:
    'it may not decide which rows are left out or replaced because their value is there already',
  test: 'a change may not be made to depend on whether it is a value that you name',
  unknown: 'whether the statement asks about it cannot be told',
}

export function probeRefused({ use, hidden }: ProbeRuling, rule: PredicateRule): UseRefusal {
  const { columns, classes } = namesOf(hidden)
  const hint = `${insteadOf(use, rule, columns)}, or ask for the right to reveal ${classes.join(', ')}.`
  const rules = `masking.predicates: ${rule}`
  return refusal('masked_predicate', columns, classes, FORBIDDEN[use], rules, hint)
}

/** What may be done in place of it. */
function insteadOf(
  use: ProbeRuling['use'],
  rule: PredicateRule,
  columns: readonly string[],
): string {
  if (use === 'test')
    return 'Leave the tests out: add, replace and remove need none (/metadata/resourceVersion, which changes with every write, may be tested)'
  const example = columns[0]?.split('.').at(-1)
  if (example === undefined)
    return 'Name the tables and columns plainly, after a change of definitions commit first'
  if (use === 'conflict')
    return 'Name the columns that you write and leave it out, write with a plain INSERT or UPDATE, which fails on such a row'
  return rule === 'equality'
    ? `Compare it with values of your own (${example} = '…'), leave it out`
    : 'Choose by other columns'
}

/** What a hidden column is compared with is not in the statement. */
export function valueUnknown(column: ColumnName, dataClass: string): UseRefusal {
  return refusal(
    'masked_predicate',
    [nameOf(column)],
    [dataClass],
    'the value that it is compared with cannot be told',
    'masking.predicates: equality',
    'Write the value into the statement, or bind it.',
  )
}

export function tooManyValues(
  columns: readonly ColumnName[],
  dataClass: string,
  limit: number,
): UseRefusal {
  return refusal(
    'masked_values_exceeded',
    distinct(columns),
    [dataClass],
    `it may be compared with ${limit} different values within an hour`,
    `masking.valuesPerHour: ${limit}`,
    `Wait, repeat values that you asked for already, or ask for the right to reveal ${dataClass}.`,
  )
}

export function transferRefused({ by, hidden }: TransferRuling): UseRefusal {
  const { columns, classes } = namesOf(hidden)
  return refusal(
    'masked_copy',
    columns,
    classes,
    `${by ?? 'this statement'} may not store its values elsewhere or hand them on`,
    'masked values stay where they are',
    `Leave it out, or ask for the right to reveal ${classes.join(', ')}.`,
  )
}

/** Our own mask is to be stored, or asked about. */
export function markRefused(): AccessDenied {
  return new AccessDenied(
    'mask_written_back',
    'this carries a mask where a value should be: the value was hidden from you',
    { hint: 'Name only what you mean to change, with values of your own.' },
  )
}

function refusal(
  code: ReasonCode,
  columns: readonly string[],
  classes: readonly string[],
  what: string,
  rule: string,
  hint: string,
): UseRefusal {
  const [first] = columns
  const more = columns.length > 1 ? ` (as are ${columns.length - 1} more that it comes from)` : ''
  const message =
    first === undefined
      ? `this may touch what is masked for you as ${classes.join(', ')}: ${what}`
      : `${first} is masked for you as ${classes.join(', ')}${more}: ${what}`
  return {
    error: new AccessDenied(code, message, { detail: `rule: ${rule}`, hint }),
    columns: columns.slice(0, MOST_NAMED),
    classes,
  }
}

function namesOf(hidden: Exposed | undefined): { columns: string[]; classes: string[] } {
  return {
    columns: distinct(hidden?.columns ?? []),
    classes: hidden?.classes.map(({ name }) => name) ?? [],
  }
}

function distinct(columns: readonly ColumnName[]): string[] {
  return [...new Set(columns.map(nameOf))]
}

function nameOf({ object, column }: ColumnName): string {
  return `${object}.${column}`
}
