// What `policy why` prints for people: fits a terminal of 80 columns.
import type { WhyView } from '#contract'
import { colors } from './colors.ts'
import { obligationText } from './obligation-text.ts'
import { plain } from './report.ts'

const WIDTH = 80
const MOST_COLUMNS = 60

type Lineage = WhyView['statements'][number]

export function whyText(answer: WhyView): string {
  return [
    ...verdict(answer),
    ...answer.operations.flatMap(operation),
    ...classes(answer),
    ...answer.statements.flatMap((statement, index) =>
      lineage(statement, answer.statements.length > 1 ? `statement ${index + 1}: ` : ''),
    ),
    ...(answer.names === 'text' && answer.statements.length > 0
      ? wrapped(
          colors.dim,
          '  ',
          'Names stand as written: no catalog was asked. What a view shows, or an unqualified column, may be told otherwise in a session.',
        )
      : []),
  ].join('\n')
}

function verdict({ effect, code, message, hint, obligations }: WhyView): string[] {
  const held = effect === 'permit' && code === 'approval_required'
  const permitted = held ? colors.yellow('held') : colors.green('permit')
  const shown = effect === 'permit' ? permitted : colors.red('deny')
  return [
    `${shown}  ${colors.dim(`[${code}]`)}`,
    ...wrapped(text => text, '  ', message),
    ...wrapped(colors.dim, '  ', hint),
    ...obligations.flatMap(each => wrapped(colors.yellow, '  ', obligationText(each))),
  ]
}

function operation(each: WhyView['operations'][number]): string[] {
  const on = each.object === '' ? 'the resource' : plain(each.object)
  const sort = each.category === undefined ? '' : ` (${plain(each.category)})`
  return [
    `  ${plain(each.action)} ${plain(each.verb)}${sort} on ${on}: ${each.effect}  ${plain(each.policies.join(', '))}`.trimEnd(),
    ...near(each.near),
  ]
}

function near(policies: WhyView['classes'][number]['near']): string[] {
  return policies.flatMap(({ policy, condition }) =>
    wrapped(colors.dim, '      ', `not ${policy}: ${condition}`),
  )
}

function classes(answer: WhyView): string[] {
  return answer.classes.flatMap(({ dataClass, revealed, policies, near: missed }) => [
    `  class ${plain(dataClass)}: ${revealed ? colors.green('shown') : colors.yellow('masked')}  ${plain(policies.join(', '))}`.trimEnd(),
    ...(revealed ? [] : near(missed)),
  ])
}

function lineage({ outputs, untold, probes, transfers }: Lineage, head: string): string[] {
  const asked = probes.filter(({ columns, classes: hidden }) => columns.length + hidden.length > 0)
  return [
    ...(outputs === 'unknown'
      ? [
          `  ${head}columns: cannot be told from the text${untold.length === 0 ? '' : `; masked as ${plain(untold.join(', '))} unless the server names their origin`}`,
        ]
      : outputs.length === 0
        ? []
        : [`  ${head}columns`, ...outputs.slice(0, MOST_COLUMNS).map(column)]),
    ...(outputs !== 'unknown' && outputs.length > MOST_COLUMNS
      ? [`    and ${outputs.length - MOST_COLUMNS} more`]
      : []),
    ...asked.map(
      ({ use, columns, outcome, classes: hidden }) =>
        `  ${head}${USES[use]} ${named(columns)}: ${outcomeText(outcome, hidden)}`,
    ),
    ...transfers.map(
      ({ by, sources, to, outcome, classes: hidden }) =>
        `  ${head}${plain(by)} of ${named(sources)}${to === undefined ? '' : ` into ${plain(to)}`}: ${outcomeText(outcome, hidden)}`,
    ),
  ]
}

const USES: Readonly<Record<Lineage['probes'][number]['use'], string>> = {
  equality: 'compares',
  condition: 'chooses rows by',
  join: 'joins by',
  order: 'orders by',
  group: 'groups by',
  window: 'has a window over',
  argument: 'passes on',
  conflict: 'leaves out or replaces rows by',
  test: 'tests what is in',
  unknown: 'asks about',
}

function column(
  { sources, how, shown, classes: hidden }: Exclude<Lineage['outputs'], 'unknown'>[number],
  index: number,
): string {
  const from = sources.length === 0 ? 'no column' : named(sources)
  const made = how === 'identity' ? '' : ` (${how})`
  const seen =
    shown === 'clear'
      ? colors.green('shown')
      : `${colors.yellow(shown)} as ${plain(hidden.join(', '))}`
  return `    ${index + 1}  ${from}${made}: ${seen}`
}

function outcomeText(outcome: 'free' | 'counted' | 'refused', hidden: readonly string[]): string {
  const because = hidden.length === 0 ? '' : ` (${plain(hidden.join(', '))} is masked)`
  if (outcome === 'free') return 'allowed'
  if (outcome === 'counted') return `allowed for a few values an hour${because}`
  return colors.red('refused') + because
}

function named(columns: readonly string[]): string {
  const [first = 'what cannot be told', ...more] = columns
  return more.length === 0 ? plain(first) : `${plain(first)} and ${more.length} more`
}

function wrapped(paint: (text: string) => string, indent: string, text: string): string[] {
  if (text === '') return []
  const lines: string[] = []
  let line = ''
  for (const word of plain(text).split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + paint(line))
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, indent + paint(line)]
}
