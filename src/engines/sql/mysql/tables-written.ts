// Two ways to write tables that the parser does not know, put into words that it does. What is sent stays as it was written.
import { Refusal } from '../draft.ts'
import { isMark, isWord } from './cursor.ts'
import { MARK, NAME, NUMBER, STRING, type Token, WORD } from './lexer.ts'
import { reservedWords } from './words.ts'

/** `flavour`: of which server. */
export function withPlainTables(
  tokens: readonly Token[],
  flavour: 'mysql' | 'mariadb',
): readonly Token[] {
  const listed = listsAsJoins(tokens)
  return flavour === 'mariadb' ? withoutHistory(listed) : listed
}

/**
 * `FROM (a, b) LEFT JOIN c`: the list in parentheses is a cross join. Of plain tables alone: behind a join of another kind, or with
 * columns in common, it would not be the same.
 */
function listsAsJoins(tokens: readonly Token[]): readonly Token[] {
  let made: Token[] | undefined
  for (let at = 1; at < tokens.length; at++) {
    const token = tokens[at] as Token
    const before = tokens[at - 1]
    made?.push(token)
    if (!isMark(token, '(') || !(isWord(before, 'from') || isWord(before, 'join'))) continue
    const end = listEnd(tokens, at + 1)
    if (end === undefined) continue
    made ??= tokens.slice(0, at + 1)
    for (const each of tokens.slice(at + 1, end + 1)) {
      if (!isMark(each, ',')) made.push(each)
      else
        for (const text of ['cross', 'join'])
          made.push({ ...each, kind: WORD, text, written: text })
    }
    at = end
  }
  return made ?? tokens
}

/** The `)` behind a list of two tables or more; undefined when it is something else. */
function listEnd(tokens: readonly Token[], from: number): number | undefined {
  let commas = 0
  for (let at = from; ; at++) {
    const name = nameEnd(tokens, at)
    if (name === undefined) return undefined
    at = isWord(tokens[name], 'as') ? name + 1 : name
    if (isName(tokens[at])) at++
    if (isMark(tokens[at], ')')) return commas > 0 ? at : undefined
    if (!isMark(tokens[at], ',')) return undefined
    commas++
  }
}

/** Behind `a` or `a.b`. */
function nameEnd(tokens: readonly Token[], at: number): number | undefined {
  if (!isName(tokens[at])) return undefined
  if (!isMark(tokens[at + 1], '.')) return at + 1
  return isName(tokens[at + 2]) ? at + 3 : undefined
}

/** (`(SELECT a, b)` is no list of tables.) */
function isName(token: Token | undefined): boolean {
  return token?.kind === NAME || (token?.kind === WORD && !reservedWords.has(token.text))
}

/**
 * `t FOR SYSTEM_TIME ...`: rows as they were have the columns of those that are. The times are plain values: what reads a table
 * there is refused.
 */
function withoutHistory(tokens: readonly Token[]): readonly Token[] {
  let made: Token[] | undefined
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (!isWord(token, 'for') || !isWord(tokens[at + 1], 'system_time')) {
      made?.push(token)
      continue
    }
    made ??= tokens.slice(0, at)
    at = historyEnd(tokens, at + 2) - 1
  }
  return made ?? tokens
}

function historyEnd(tokens: readonly Token[], at: number): number {
  if (isWord(tokens[at], 'all')) return at + 1
  if (isWord(tokens[at], 'as') && isWord(tokens[at + 1], 'of')) return timeEnd(tokens, at + 2)
  const [from, to] = isWord(tokens[at], 'between') ? ['between', 'and'] : ['from', 'to']
  if (!isWord(tokens[at], from)) throw plainTimes()
  const between = timeEnd(tokens, at + 1)
  if (!isWord(tokens[between], to)) throw plainTimes()
  return timeEnd(tokens, between + 1)
}

function timeEnd(tokens: readonly Token[], at: number): number {
  const value = isWord(tokens[at], 'timestamp') || isWord(tokens[at], 'transaction') ? at + 1 : at
  const { kind } = tokens[value] ?? {}
  if (kind !== STRING && kind !== NUMBER) throw plainTimes()
  // (A literal that goes on, or is part of an expression.)
  const next = tokens[value + 1]
  if (next?.kind === STRING || (next?.kind === MARK && !ENDS.has(next.text))) throw plainTimes()
  return value + 1
}

const ENDS: ReadonlySet<string> = new Set([',', ')', ';'])

function plainTimes(): Refusal {
  return new Refusal(
    'statement_unsupported',
    'the times of FOR SYSTEM_TIME must be plain values: AS OF, FROM ... TO, BETWEEN ... AND with texts or numbers, or ALL',
  )
}
