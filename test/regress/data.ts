// Rows for the tables that the regression suite loads from files. The suite's own data files are not beside its
// SQL: these are made up, in the same form (the Wisconsin benchmark's columns), so that its queries have something
// to find. Both sides read the same.
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that the suite takes for its source folder; the server, running as another user, can read it. */
export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-regress-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  for (const [name, rows] of Object.entries(tables())) {
    writeFileSync(join(data, `${name}.data`), rows.map(row => `${row.join('\t')}\n`).join(''))
  }
  chmodSync(folder, 0o755)
  return folder
}

type Row = readonly (string | number)[]

function tables(): Record<string, readonly Row[]> {
  const count = (rows: number, row: (at: number) => Row) =>
    Array.from({ length: rows }, (_, at) => row(at))
  const point = (at: number) => `(${at % 10},${(at * 3) % 10})`
  return {
    onek: count(1000, at => wisconsin(at, 1000)),
    tenk: count(10_000, at => wisconsin(at, 10_000)),
    person: count(50, at => [`person${at}`, 20 + (at % 50), point(at)]),
    emp: [
      ['sharon', 25, '(15,12)', 1000, 'sam'],
      ['sam', 30, '(10,5)', 2000, 'bill'],
      ['bill', 20, '(11,10)', 1000, 'sharon'],
    ],
    student: [
      ['fred', 28, '(3.1,6.2)', 3.7],
      ['larry', 60, '(21.8,4.9)', 3.1],
    ],
    stud_emp: [
      ['jeff', 23, '(8,7.7)', 600, 'sharon', 3.5, '\\N'],
      ['cim', 30, '(10.5,4.7)', 400, '\\N', 3.4, '\\N'],
      ['linda', 19, '(0.9,6.1)', 100, '\\N', 2.9, '\\N'],
    ],
    streets: count(100, at => [`Street ${at}`, `[${point(at)},${point(at + 1)},${point(at + 7)}]`]),
    agg: [
      [56, 7.8],
      [100, 99.097],
      [0, 0.09561],
      [42, 324.78],
    ],
    array: count(100, at => [at + 1, `{${at % 40},${(at * 7) % 99}}`, `{AAAAA${at},BBB${at % 9}}`]),
    hash: count(1000, at => [at, (at * 7919 + 13) % 1_000_003]),
    desc: count(1000, at => [at, (at * 104_729) % 1_000_003]),
    jsonb: count(500, at => [`{"line":${at},"node":"CBB","age":${at % 90},"tags":["t${at % 7}"]}`]),
    tsearch: count(200, at => [`ship${at} wr qh e${at % 11} sail water`]),
  }
}

const LAST = ['AAAAxx', 'HHHHxx', 'OOOOxx', 'VVVVxx']

function wisconsin(at: number, rows: number): Row {
  const unique = (at * 7919 + 13) % rows
  const modulo = [2, 4, 10, 20, 100, 1000, 2000, 5000, 10_000].map(by => unique % by)
  const hundred = unique % 100
  return [
    unique,
    at,
    ...modulo,
    hundred * 2,
    hundred * 2 + 1,
    letters(unique),
    letters(at),
    LAST[at % 4] as string,
  ]
}

function letters(value: number): string {
  const digits = [0, 1, 2, 3].map(place => Math.floor(value / 26 ** place) % 26)
  return `${digits.map(digit => String.fromCharCode(65 + digit)).join('')}AA`
}
