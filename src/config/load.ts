// Reads sallyport.yaml. Gives the configuration or says, for each problem, where it is and why.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { buildConfig, type Config } from './config.ts'
import { type ConfigProblem, type Path, reporter, reportIssues } from './problems.ts'
import { configSchema, type MaskingRules, type ProtocolSettings } from './schema.ts'

/** A larger file is not a configuration. */
const LARGEST_FILE = 4 * 1_048_576

export interface LoadedConfig {
  /** undefined when any problem is an error. */
  readonly config: Config | undefined
  readonly problems: readonly ConfigProblem[]
}

/** Without `masking`, whether the file's detectors hold is found out by whoever builds them. */
export function loadConfig(
  path: string,
  protocols: readonly ProtocolSettings[],
  masking?: MaskingRules,
): LoadedConfig {
  const file = resolve(path)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    // Nothing is read, so nothing is configured: the caller gets a problem instead.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const message = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`
    return failed(file, message)
  }
  if (text.length > LARGEST_FILE) return failed(file, 'is too large to be a configuration')
  return parseConfig(file, text, protocols, masking)
}

/** As `loadConfig`, of a text that is there already. Relative paths start from the file's folder. */
export function parseConfig(
  file: string,
  text: string,
  protocols: readonly ProtocolSettings[],
  masking?: MaskingRules,
): LoadedConfig {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', uniqueKeys: true })
  const problems: ConfigProblem[] = []
  // A warning of the parser (an unknown tag) leaves the meaning in doubt: an error too.
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const { line, col } = lines.linePos(pos[0])
    const first = message.split(/ at line \d+/)[0] ?? message
    const words = code === 'DUPLICATE_KEY' ? (doubled(document, pos[0], lines) ?? first) : first
    problems.push({ file, line, column: col, path: '', severity: 'error', message: words })
  }
  if (problems.length > 0) return { config: undefined, problems }

  const report = reporter(file, document, lines, problems)
  refuseInherited(document, (offset, message) => {
    const { line, col } = lines.linePos(offset)
    problems.push({ file, line, column: col, path: '', severity: 'error', message })
  })
  let written: unknown
  try {
    written = document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch {
    // Aliases that multiply: refused as what they are.
    return failed(file, 'uses too many aliases')
  }
  const checked = configSchema.safeParse(written)
  if (!checked.success) {
    reportIssues(report, checked.error.issues, [])
    return { config: undefined, problems }
  }
  const config = buildConfig(file, checked.data, protocols, report, masking)
  const broken = problems.some(problem => problem.severity === 'error')
  return { config: broken ? undefined : config, problems }
}

/** `__proto__` is no name to a JavaScript object: checks would pass over it in silence. */
function refuseInherited(document: Document, found: (offset: number, message: string) => void) {
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && key.value === '__proto__') {
        found(key.range?.[0] ?? 0, 'unknown key "__proto__"')
      }
    },
  })
}

/** Of the key that is written there: a block that was put beside what is there already. */
function doubled(document: Document, offset: number, lines: LineCounter): string | undefined {
  let said: string | undefined
  visit(document, {
    Map(_, { items }) {
      const keys = items.map(({ key }) => (isScalar(key) ? key : undefined))
      const second = keys.find(key => key?.range?.[0] === offset)
      const first = keys.find(key => second !== undefined && key?.value === second.value)
      const start = first?.range?.[0]
      if (second === undefined || start === undefined || start === offset) return undefined
      const { line } = lines.linePos(start)
      said = `"${String(second.value)}" is written a second time: put what belongs to it under line ${line}`
      return visit.BREAK
    },
  })
  return said
}

function failed(file: string, message: string): LoadedConfig {
  const problem = { file, line: 1, column: 1, path: '', severity: 'error', message } as const
  return { config: undefined, problems: [problem] }
}

/** A problem that was found when what the file says was used; `path` as it is written there. */
export function problemAt(file: string, path: Path, message: string): ConfigProblem {
  const lines = new LineCounter()
  const problems: ConfigProblem[] = []
  reporter(
    file,
    parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines }),
    lines,
    problems,
  )(path, message, { atKey: true })
  return problems[0]!
}

/** `sallyport.yaml:12:5 resources.0.protocol: there is no protocol "x"`. */
export function problemLine({ file, line, column, path, message }: ConfigProblem): string {
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`
}
