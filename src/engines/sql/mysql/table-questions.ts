// What a definition asks of the rows that are there: whether they hold to a check, fit a partition, a type, the rows of another
// table. Whether it succeeds tells as much as a WHERE.
import type { RelationName } from '../analysis.ts'
import { type Draft, Refusal } from '../draft.ts'
import { isMark, isWord } from './cursor.ts'
import { MARK, NAME, NUMBER, type Token, WORD } from './lexer.ts'
import { planned, type Reader, treeOf } from './parsed.ts'

/** Of whose columns, and in which words. */
interface Question {
  readonly of: RelationName
  readonly tokens: readonly Token[]
}

/** `tokens`: of CREATE TABLE or ALTER TABLE behind the name; `filled`: the table has rows already. Undefined: it asks nothing. */
export function questions(
  tokens: readonly Token[],
  table: RelationName,
  filled: boolean,
  reader: Reader,
): { readonly planned: Draft['planned'] } | undefined {
  const all = tokens.flatMap((token, at): readonly Question[] => {
    if (token.kind !== WORD || isMark(tokens[at - 1], '.')) return []
    if (token.text === 'references') return referenced(tokens, at + 1)
    if (!filled) return []
    const own = token.text === 'modify' ? [named(tokens, at + 1)] : groups(tokens, at)
    return own.map(each => ({ of: table, tokens: each }))
  })
  if (all.length === 0) return undefined
  try {
    const others = all.map(({ of }) => of).filter(of => of !== table)
    const from = [table, ...others].flatMap((of, at) => [
      ...(at > 0 ? [mark(',')] : []),
      ...path(of),
    ])
    const where = all.flatMap(({ tokens: each }, at) => [
      ...(at > 0 ? [word('and')] : []),
      ...[mark('('), ...each, mark(')')],
    ])
    const one = { ...word('1'), kind: NUMBER }
    const select = [word('select'), one, word('from'), ...from, word('where'), ...where]
    return { planned: planned(treeOf(select, reader), reader, { silent: true }) }
  } catch (error) {
    // Safe: nothing is known then of what it asks.
    if (error instanceof Refusal) return { planned: undefined }
    throw error
  }
}

/** CHECK (…), AS (…) of a generated column, PARTITION BY … (…). */
function groups(tokens: readonly Token[], at: number): readonly (readonly Token[])[] {
  const token = tokens[at] as Token
  const columns = isWord(tokens[at + 1], 'columns') || isWord(tokens[at + 1], 'key')
  if (!['check', 'as', 'by', 'range', 'list', 'hash', 'key'].includes(token.text)) return []
  const open = columns ? at + 2 : at + 1
  if (!isMark(tokens[open], '(')) return []
  // (An index is no question: KEY (a), and what follows PARTITION BY is.)
  const partitions = tokens.slice(Math.max(0, at - 4), at).some(each => isWord(each, 'by'))
  if (['range', 'list', 'hash', 'key'].includes(token.text) && !partitions) return []
  const found: Token[][] = [[]]
  let depth = 0
  for (let next = open; next < tokens.length; next++) {
    const each = tokens[next] as Token
    if (isMark(each, '(') && depth++ === 0) continue
    if (isMark(each, ')') && --depth === 0) break
    if (isMark(each, ',') && depth === 1) found.push([])
    else found.at(-1)?.push(each)
  }
  return found.filter(each => each.length > 0)
}

/** `MODIFY [COLUMN] [IF EXISTS] a`: whether its values fit another type. */
function named(tokens: readonly Token[], start: number): readonly Token[] {
  let at = start
  if (isWord(tokens[at], 'column')) at++
  if (isWord(tokens[at], 'if') && isWord(tokens[at + 1], 'exists')) at += 2
  const token = tokens[at]
  return token === undefined ? [] : [quoted(textOf(token))]
}

/** `REFERENCES t (a, b)`: which values are there. */
function referenced(tokens: readonly Token[], start: number): readonly Question[] {
  const first = tokens[start]
  if (first === undefined) return []
  const dotted = isMark(tokens[start + 1], '.')
  const last = tokens[dotted ? start + 2 : start]
  if (last === undefined) return []
  const of = { schema: dotted ? textOf(first) : undefined, name: textOf(last) }
  const found: Question[] = []
  for (let at = start + (dotted ? 3 : 1); at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (isMark(token, ')')) break
    if (token.kind !== MARK)
      found.push({ of, tokens: [quoted(of.name), mark('.'), quoted(textOf(token))] })
    else if (token.text !== '(' && token.text !== ',') break
  }
  return found
}

function path({ schema, name }: RelationName): readonly Token[] {
  return schema === undefined ? [quoted(name)] : [quoted(schema), mark('.'), quoted(name)]
}

function textOf({ kind, text, written }: Token): string {
  return kind === WORD ? written : text
}

function word(text: string): Token {
  return { kind: WORD, start: 0, end: 0, text, written: text, apart: true }
}

function quoted(text: string): Token {
  return { ...word(text), kind: NAME }
}

function mark(text: string): Token {
  return { ...word(text), kind: MARK }
}
