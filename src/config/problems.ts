// Says where in the file a problem lies, in the words of somebody who writes YAML.
import { type Document, isMap, isScalar, type LineCounter } from 'yaml'
import type { z } from 'zod'

/** What is wrong, and where. Lines and columns count from 1. */
export interface ConfigProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `resources.0.upstream.port`; empty for the file itself. */
  readonly path: string
  readonly severity: 'error' | 'warning'
  readonly message: string
}

export type Path = readonly PropertyKey[]
export type Report = (
  path: Path,
  message: string,
  options?: { severity?: 'error' | 'warning'; atKey?: boolean },
) => void

/** A collector of problems of one document. */
export function reporter(
  file: string,
  document: Document,
  lines: LineCounter,
  problems: ConfigProblem[],
): Report {
  return (path, message, { severity = 'error', atKey = false } = {}) => {
    const { line, col } = lines.linePos(offsetOf(document, path, atKey))
    const written = path.map(String).join('.')
    problems.push({ file, line, column: col, path: written, severity, message })
  }
}

/** Where the path is written; for what is not written, where the nearest part of it is. */
function offsetOf(document: Document, path: Path, atKey: boolean): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    if (isMap(parent)) {
      const pair = parent.items.find(item => isScalar(item.key) && item.key.value === last)
      const key = isScalar(pair?.key) ? pair.key.range?.[0] : undefined
      const value = rangeOf(pair?.value)
      // Maps begin at their first key, one line further down: a reader looks for the name of the map.
      const found = atKey || isMap(pair?.value) ? key : (value ?? key)
      if (found !== undefined) return found
    } else {
      const found = rangeOf(document.getIn(path.slice(0, length), true))
      if (found !== undefined) return found
    }
  }
  return rangeOf(document.contents) ?? 0
}

function rangeOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined
  return Array.isArray(node.range) && typeof node.range[0] === 'number' ? node.range[0] : undefined
}

/** Reports each issue of a failed check. `at` is where the checked value lies in the document. */
export function reportIssues(report: Report, issues: readonly z.core.$ZodIssue[], at: Path): void {
  const mistyped = new Set(
    issues.filter(({ code }) => code === 'invalid_type').map(({ path }) => path.join('\0')),
  )
  for (const issue of issues) {
    // How long it may be says nothing of what is no list.
    if (issue.code === 'too_big' || issue.code === 'too_small')
      if (mistyped.has(issue.path.join('\0'))) continue
    const path = [...at, ...issue.path]
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) report([...path, key], `unknown key "${key}"`, { atKey: true })
    } else if (issue.code === 'invalid_union' && issue.errors.length === 0) {
      // Told apart by one word, and this word is none of them.
      report(path, oneOf(issue))
    } else if (issue.code === 'invalid_union') {
      reportIssues(report, likeliest(issue.errors), path)
    } else if (issue.code === 'invalid_key') {
      report(path, issue.issues[0]?.message ?? issue.message, { atKey: true })
    } else {
      report(path, plain(issue))
    }
  }
}

function oneOf(issue: z.core.$ZodIssue): string {
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : []
  return options.length === 0 ? 'is unknown' : `must be ${options.map(String).join(' or ')}`
}

/** Of the alternatives, the one whose shape was meant: it fails within, or for its keys; else not for its type. */
function likeliest(errors: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[] {
  const within = errors
    .filter(issues =>
      issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
    )
    .sort((a, b) => a.length - b.length)
  const [meant, other] = within
  if (meant !== undefined && meant.length !== other?.length) return meant
  const typed = errors.filter(issues =>
    issues.every(issue => !(issue.code === 'invalid_type' && issue.path.length === 0)),
  )
  return typed[0] ?? errors[0] ?? []
}

function plain(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined && / received undefined$/.test(issue.message)) return 'is missing'
    const found = /^Invalid input: expected (\w+), received (\w+)$/.exec(issue.message)
    if (found !== null) return `must be ${word(found[1])}, not ${word(found[2])}`
  }
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid')) {
    return `must be ${issue.values.map(value => String(value)).join(' or ')}`
  }
  return issue.message.replace(/^Invalid (input|string): /, '').replace(/^Too /, 'too ')
}

const words: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  null: 'empty',
  undefined: 'missing',
}

function word(type: string | undefined): string {
  return words[type ?? ''] ?? String(type)
}

/** What might have been meant. */
export function known(names: Iterable<string>): string {
  return `there is ${[...names].join(', ')}`
}
