// What the analyser makes of each statement of PostgreSQL's own regression suite, as a page of figures.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Analyser } from '../../src/engines/sql/index.ts'
import { statementsOf } from './statements.ts'
import { schedule, suiteFolder } from './suite.ts'

/** Each file's statements, whole: nothing is left out. */
export function allStatements(): string[] {
  return schedule().flatMap(name => statementsOf(readFileSync(pathOf(name), 'utf8')))
}

function pathOf(name: string): string {
  const folder = /^plpgsql_/.test(name) ? 'plpgsql_regress' : 'postgres_regress'
  return join(suiteFolder, folder, `${name}.sql`)
}

interface Row {
  statements: number
  readonly categories: Set<string>
}

/** The page's text; `intro` stands above the figures. */
export function coveragePage(analyser: Analyser, texts: readonly string[], intro: string): string {
  const verbs = new Map<string, Row>()
  const categories = new Map<string, number>()
  const refusals = new Map<string, number>()
  let read = 0
  for (const text of texts) {
    const analysis = analyser.analyse(text)
    if (!analysis.readable) {
      add(refusals, `\`${analysis.code}\` | ${reasonOf(analysis.message)}`)
      continue
    }
    for (const { verb, operations } of analysis.statements) {
      read += 1
      const row = verbs.get(verb) ?? { statements: 0, categories: new Set() }
      verbs.set(verb, row)
      row.statements += 1
      const own = new Set(operations.map(({ category }) => category))
      for (const category of own) {
        row.categories.add(category)
        add(categories, category)
      }
    }
  }
  const refused = [...refusals.values()].reduce((sum, by) => sum + by, 0)
  return [
    intro.trim(),
    `${schedule().length} files, ${read + refused} statements: ${read} are read, ${refused} refused with a reason. None ends in an error of ours.`,
    '## Categories\n\nA statement counts once in each category that one of its operations has.',
    table(
      ['Category', 'Statements'],
      ranked(categories).map(([name, by]) => [`\`${name}\``, by]),
    ),
    '## Verbs',
    table(
      ['Verb', 'Statements', 'Categories'],
      [...verbs]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([verb, row]) => [
          verb === '' ? '(blanks only)' : verb,
          row.statements,
          [...row.categories].sort().join(', '),
        ]),
    ),
    '## Refused',
    table(['Reason code', 'In words', 'Statements'], ranked(refusals)),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n')
}

/** What the parser quotes of the text is no reason. */
function reasonOf(message: string): string {
  if (message.startsWith('syntax error')) return 'syntax error'
  return message.replaceAll(/"[^"]*"/g, '“…”').replaceAll('|', '\\|')
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function ranked(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}
