// A session's recording as a person reads it in a terminal.

import {
  type RecordedEventView,
  type TypedCommandsView,
  type TypedInputView,
  terminalSchemas,
} from '#contract'
import { colors } from './colors.ts'
import { plain, table, valuesText, when } from './report.ts'

/** The longest value that is shown whole: the SHA-256 of a file must be. */
const DIGEST = 64

/** Commands with what they are: never without it. */
export function commandsText(view: TypedCommandsView, startedAt: number): string {
  const lines = view.commands.map(
    ({ at, text: typed }) => `${stampOf(at, startedAt)} ${word(typed)}`,
  )
  const found = lines.length === 0 ? ['No line that was typed at a prompt was seen.'] : lines
  const rest = view.cut ? [colors.dim('… there is more than was read')] : []
  return [colors.dim(`(${word(view.about)})`), ...found, ...rest].join('\n')
}

/** What was typed, a line in a line, with its keys as their codes. */
export function inputText(pieces: TypedInputView['pieces'], startedAt: number): string {
  const lines = terminalSchemas.typedLines(pieces).map(({ at, text: typed }) => {
    const said = typed === undefined ? colors.dim('(typed, and not shown: not kept)') : word(typed)
    return `${stampOf(at, startedAt)} ${said}`
  })
  return lines.length === 0 ? 'Nothing that was typed is kept of it.' : lines.join('\n')
}

function stampOf(at: number, startedAt: number): string {
  return colors.dim(`${((at - startedAt) / 1000).toFixed(3).padStart(8)}s`)
}

/** Lines for one event; empty when there is nothing to show. `startedAt` makes times relative. */
export function eventText(event: RecordedEventView, startedAt: number): string {
  const stamp = stampOf(event.at, startedAt)
  switch (event.kind) {
    case 'opened': {
      const header = record(event['header'])
      const principal = record(header['principal'])
      return `${stamp} ${colors.bold('session')} ${word(header['session'])} of ${word(principal['id'])} on ${word(header['resource'])}, ${when(event.at)}`
    }
    case 'statement': {
      const effect = text(event['effect'])
      const mark =
        effect === 'permit'
          ? colors.green('permit')
          : effect === 'held'
            ? colors.yellow('held  ')
            : colors.red('deny  ')
      const why =
        effect === 'permit' ? '' : `\n          ${word(event['message'])} [${word(event['code'])}]`
      const policies = plain(list(event['policies']).join(', '))
      const values = valuesText(Array.isArray(event['parameters']) ? event['parameters'] : [])
      return `${stamp} ${mark} ${plain(text(event['text']), true).replaceAll('\n', '\n                 ')}${values === '' ? '' : colors.dim(`  ${plain(values)}`)}${policies === '' ? '' : colors.dim(`  (${policies})`)}${why}`
    }
    case 'answer': {
      const columns = list(event['columns'])
      const rows = Array.isArray(event['rows']) ? event['rows'].map(row => list(row)) : []
      const shown = table(
        rows,
        columns.map(name => plain(name)),
        `(${plain(columns.join(', '))}: no rows)`,
        DIGEST,
      )
      const more = event['truncated'] === true ? colors.dim('\n… more came than is kept') : ''
      return indent(`${shown}${more}`)
    }
    case 'outcome': {
      const failed =
        event['status'] === 'failed' ? colors.red(` failed ${word(event['errorCode'])}`) : ''
      return `${stamp} ${colors.dim(`→ ${word(event['rows'])} rows, ${word(event['bytes'])} bytes`)}${failed}`
    }
    case 'output': {
      const shown =
        event['base64'] === undefined
          ? plain(text(event['text']), true)
          : colors.dim(
              `(${Buffer.from(text(event['base64']), 'base64').length} bytes that are not text)`,
            )
      return indent(event['stream'] === 'error' ? colors.yellow(shown) : shown)
    }
    case 'note':
      return `${stamp} ${word(event['text'])}`
    case 'closed':
      return `${stamp} ${colors.bold('closed')} ${word(event['reason'])}`
    default:
      return ''
  }
}

function indent(lines: string): string {
  return lines
    .split('\n')
    .map(line => `          ${line}`)
    .join('\n')
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

/** On one line and harmless: whatever it is, it came from outside. */
function word(value: unknown): string {
  return plain(text(value))
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(each => (each === null ? 'NULL' : String(each))) : []
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
