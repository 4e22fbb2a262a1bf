// How much the parser may be given. Its stack is a megabyte: what nests or chains too far ends it, not the text alone.
import { Refusal } from '../draft.ts'
import { BYTES, MARK, NUMBER, PARAMETER, STRING, type Token, WORD } from './lexer.ts'
import { intervalUnits } from './words.ts'

/** Measured: some 500 operators in a chain are read, 800 are not. */
const DEEPEST = 400

const opens: ReadonlySet<string> = new Set(['(', '{', 'case'])
const closes: ReadonlySet<string> = new Set([')', '}', 'end'])
const chains: ReadonlySet<string> = new Set([
  ...['+', '-', '*', '/', '%', '^', '|', '&', '||', '&&', '<<', '>>', '!', '~', '->', '->>', ':='],
  ...['<', '>', '=', '<=', '>=', '<>', '!=', '<=>'],
  ...['and', 'or', 'xor', 'not', 'div', 'mod', 'like', 'rlike', 'regexp', 'in', 'is', 'between'],
  ...['collate', 'binary', 'interval', 'union', 'except', 'intersect', 'escape', 'when', 'sounds'],
  ...['member', 'over', 'minus'],
])
/** Here another chain begins. */
const parts: ReadonlySet<string> = new Set([
  ...[
    ',',
    ';',
    'select',
    'from',
    'where',
    'having',
    'group',
    'order',
    'limit',
    'set',
    'join',
    'on',
  ],
  ...['straight_join', 'values', 'then', 'else'],
])
const joinsQueries: ReadonlySet<string> = new Set(['union', 'except', 'intersect', 'minus'])

interface Level {
  chain: number
  /** The highest of what is in brackets in this part. */
  inner: number
  highest: number
  queries: number
  /** How often the parser may read what stands here, as a power of 2. */
  tries: number
  /** INTERVALs whose unit has not come yet. */
  intervals: number
}

/** What the parser reads again, as a function's call, when it does not end as it should: nested, each doubles the work. */
const twice: ReadonlySet<string> = new Set([
  ...[
    'cast',
    'convert',
    'extract',
    'exists',
    'position',
    'substring',
    'substr',
    'trim',
    'ceil',
    'floor',
  ],
  ...['match', 'array', 'map', 'struct', 'overlay', 'prior', 'lambda', 'try_cast', 'safe_cast'],
])
/** Words, each as often as it may be read. */
const MOST_READS = 100_000

function opened(tries: number): Level {
  return { chain: 0, inner: 0, highest: 0, queries: 0, tries, intervals: 0 }
}

export function refuseTooDeep(tokens: readonly Token[]): void {
  const levels: Level[] = [opened(0)]
  let reads = 0
  for (const [at, token] of tokens.entries()) {
    const level = levels.at(-1) as Level
    reads += 2 ** Math.min(level.tries + level.intervals, 20)
    if (reads > MOST_READS) {
      throw new Refusal(
        'statement_too_large',
        'the statement nests too many CASE, CAST or INTERVAL',
      )
    }
    if (token.kind !== MARK && token.kind !== WORD) continue
    const { text } = token
    if (text === 'interval') level.intervals++
    else if (level.intervals > 0 && intervalUnits.has(text)) level.intervals--
    if (opens.has(text)) {
      const before = tokens[at - 1]
      const again = text === 'case' || (before?.kind === WORD && twice.has(before.text))
      levels.push(opened(level.tries + level.intervals + (again ? 1 : 0)))
    } else if (closes.has(text) && levels.length > 1) {
      levels.pop()
      const outer = levels.at(-1) as Level
      outer.inner = Math.max(outer.inner, heightOf(level) + 4)
      check(heightOf(outer))
    } else if (parts.has(text)) settle(level)
    else if (chains.has(text)) {
      level.chain++
      if (joinsQueries.has(text)) {
        settle(level)
        level.queries += 2
      }
      check(heightOf(level))
    }
  }
  // What is still open counts as deep as it stands.
  check(levels.reduce((sum, level) => sum + heightOf(level), 0))
}

function settle(level: Level): void {
  level.highest = Math.max(level.highest, level.chain + level.inner)
  level.chain = 0
  level.inner = 0
}

function heightOf(level: Level): number {
  return Math.max(level.highest, level.chain + level.inner) + level.queries
}

function check(height: number): void {
  if (height > DEEPEST) {
    throw new Refusal(
      'statement_too_large',
      `the statement chains or nests over ${DEEPEST} operators: use IN (...) for a list of values`,
    )
  }
}

/** Rows or items of one shape that stay. */
const KEPT = 2
/** Shapes in one list; more are no bulk. */
const MOST_SHAPES = 64

/** Long lists made short: rows of VALUES and items of IN that are alike but for their literals mean the same. */
export function reduced(tokens: readonly Token[]): readonly Token[] {
  const kept: Token[] = []
  let from = 0
  const cut = (start: number, end: number): void => {
    for (; from < start; from++) kept.push(tokens[from] as Token)
    from = end
  }
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind !== WORD || !isOpen(tokens[at + 1])) continue
    if (token.text === 'values' || token.text === 'value') at = rows(tokens, at + 1, cut) - 1
    else if (token.text === 'in') items(tokens, at + 2, cut)
  }
  if (from === 0) return tokens
  cut(tokens.length, tokens.length)
  return kept
}

type Cut = (start: number, end: number) => void

/** `(...), (...), ...`; the index behind the last. */
function rows(tokens: readonly Token[], at: number, cut: Cut): number {
  const shapes = new Shapes()
  for (let first = true; isOpen(tokens[at]); first = false) {
    const end = closeOf(tokens, at)
    if (end === -1) return tokens.length
    if (shapes.isOneMore(tokens, at, end) && !first) cut(at - 1, end + 1)
    if (tokens[end + 1]?.kind !== MARK || tokens[end + 1]?.text !== ',') return end + 1
    at = end + 2
  }
  return at
}

/** Literals only: `IN (1, 2, 3)`. */
function items(tokens: readonly Token[], at: number, cut: Cut): void {
  const found: number[] = []
  const shapes = new Shapes()
  for (let first = true; ; first = false) {
    const item = tokens[at]
    const next = tokens[at + 1]
    if (item === undefined || next?.kind !== MARK || !isLiteral(item.kind)) return
    if (shapes.isOneMore(tokens, at, at) && !first) found.push(at)
    if (next.text === ')') break
    if (next.text !== ',') return
    at += 2
  }
  for (const each of found) cut(each - 1, each + 1)
}

class Shapes {
  readonly #counts = new Map<string, number>()

  /** True when there are enough of that shape. Rows with parameters all stay: those are counted. */
  isOneMore(tokens: readonly Token[], from: number, to: number): boolean {
    let shape = ''
    for (let at = from; at <= to; at++) {
      const { kind, text } = tokens[at] as Token
      if (kind === PARAMETER) return false
      if (isLiteral(kind) || (kind === WORD && text === 'null')) shape += '\x01'
      // A minus says as little as the number behind it.
      else if (!(kind === MARK && text === '-' && tokens[at + 1]?.kind === NUMBER)) {
        shape += `\x02${kind} ${text}`
      }
    }
    const count = this.#counts.get(shape) ?? 0
    if (count === 0 && this.#counts.size >= MOST_SHAPES) return false
    this.#counts.set(shape, count + 1)
    return count >= KEPT
  }
}

function isLiteral(kind: number): boolean {
  return kind === STRING || kind === NUMBER || kind === BYTES
}

function isOpen(token: Token | undefined): boolean {
  return token?.kind === MARK && token.text === '('
}

function closeOf(tokens: readonly Token[], at: number): number {
  let depth = 0
  for (; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind !== MARK) continue
    if (token.text === '(') depth++
    else if (token.text === ')' && --depth === 0) return at
  }
  return -1
}
