// Statements that the parser reads: queries, INSERT, UPDATE, DELETE, and expressions within others.
import type { Draft } from '../draft.ts'
import { Refusal } from '../draft.ts'
import { account } from './account.ts'
import { refuseTooDeep } from './bounds.ts'
import { isMark, isWord, unread } from './cursor.ts'
import { expression } from './expressions.ts'
import { MARK, NAME, NUMBER, STRING, type Token, VARIABLE, WORD } from './lexer.ts'
import { planStatement } from './lineage.ts'
import type { Parser } from './parser.ts'
import { query } from './queries.ts'
import { render } from './render.ts'
import { isTree, listOf, typeOf } from './syntax-tree.ts'
import { Walk } from './walk.ts'
import { touchingFunctions } from './words.ts'
import { changeIn } from './writes.ts'

/** What reading a statement needs besides its words. */
export interface Reader {
  readonly parser: Parser
  readonly flavour: 'mysql' | 'mariadb'
  /** The default database where the statement stands. */
  readonly database: string | undefined
  readonly withValues: boolean
  /** Files of the client may be loaded. */
  readonly localFiles: boolean
}

/** One statement's tree. */
export function treeOf(tokens: readonly Token[], reader: Reader): unknown {
  refuseTooDeep(tokens)
  refuseTouching(tokens)
  const rendered = render(tokens)
  const trees = reader.parser.parse(rendered.text)
  if (trees.length !== 1) throw unread()
  account(trees, rendered)
  return trees[0]
}

/** Notes what a query or a write does. The tree, for its plan. */
export function walkTree(tree: unknown, verb: string, draft: Draft, reader: Reader): void {
  const walk = new Walk(draft, verb, reader.database)
  const type = typeOf(tree)
  if (type === 'Query' && isTree(tree)) query(tree['Query'], walk)
  else changeIn(tree, walk)
}

/** What it does with values. */
export function planned(
  tree: unknown,
  { flavour, withValues }: Reader,
  plan: { readonly into?: string; readonly silent?: boolean } = {},
): Draft['planned'] {
  return planStatement(tree, { flavour, withValues, ...plan })
}

/** The verb of a query: what stands behind WITH. */
export function verbOf(tree: unknown): 'SELECT' | 'INSERT' | 'REPLACE' | 'UPDATE' | 'DELETE' {
  const type = typeOf(tree)
  const held = isTree(tree) && type !== undefined ? tree[type] : undefined
  if (type === 'Insert') return isTree(held) && held['replace_into'] === true ? 'REPLACE' : 'INSERT'
  if (type === 'Update') return 'UPDATE'
  if (type === 'Delete') return 'DELETE'
  const body = isTree(held) ? held['body'] : undefined
  const kind = typeOf(body)
  if (kind === 'Update') return 'UPDATE'
  return kind === 'Delete' ? 'DELETE' : 'SELECT'
}

const SELECT: Token = {
  kind: WORD,
  start: 0,
  end: 0,
  text: 'select',
  written: 'select',
  apart: true,
}

/** Notes what expressions (with commas between) read, call and move. */
export function walkExpressions(
  tokens: readonly Token[],
  verb: string,
  draft: Draft,
  reader: Reader,
  plan: { readonly into?: string; readonly silent?: boolean },
): void {
  const tree = treeOf([SELECT, ...tokens], reader)
  const select = isTree(tree) && isTree(tree['Query']) ? tree['Query']['body'] : undefined
  const held = isTree(select) ? select['Select'] : undefined
  // Nothing but columns: a FROM would be somebody else's.
  if (!isTree(held) || listOf(held['from']).length > 0 || held['selection'] !== undefined) {
    throw unread()
  }
  walkTree(tree, verb, draft, reader)
  draft.planned = planned(tree, reader, plan)
}

/** A condition by itself (SHOW ... WHERE). */
export function walkCondition(tokens: readonly Token[], draft: Draft, reader: Reader): void {
  const tree = treeOf([SELECT, ...tokens], reader)
  const walk = new Walk(draft, 'SHOW', reader.database)
  const query = isTree(tree) && isTree(tree['Query']) ? tree['Query']['body'] : undefined
  const held = isTree(query) ? query['Select'] : undefined
  const [first, ...others] = listOf(isTree(held) ? held['projection'] : undefined)
  if (!isTree(first) || others.length > 0 || !isTree(held) || listOf(held['from']).length > 0) {
    throw unread()
  }
  expression(first['UnnamedExpr'], walk)
}

/** `count (x)`: a function of a user of that name, or an error. Nobody means it. */
function refuseTouching(tokens: readonly Token[]): void {
  for (let at = 1; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind !== MARK || token.text !== '(' || !token.apart) continue
    const before = tokens[at - 1] as Token
    if (before.kind !== WORD || !touchingFunctions.has(before.text)) continue
    if (isMark(tokens[at - 2], '.')) continue
    // `INSERT INTO position (a)`: a table's name.
    if (isNamePlace(tokens[at - 2])) continue
    throw new Refusal(
      'statement_unreadable',
      `no blank may stand between ${before.text.toUpperCase()} and its bracket`,
    )
  }
}

const names: ReadonlySet<string> = new Set([
  'into',
  'table',
  'as',
  'with',
  'recursive',
  'insert',
  'replace',
  'ignore',
  'references',
])

function isNamePlace(token: Token | undefined): boolean {
  return token?.kind === WORD && names.has(token.text)
}

export type Into = 'variables' | 'file'

/** Takes `INTO OUTFILE ...`, `INTO DUMPFILE ...` and `INTO @a, @b` out of a query's words. */
export function withoutInto(tokens: readonly Token[]): {
  readonly tokens: readonly Token[]
  readonly into: Into | undefined
} {
  const kept: Token[] = []
  let into: Into | undefined
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    const end = isWord(token, 'into') ? intoEnd(tokens, at + 1) : undefined
    if (end === undefined) {
      kept.push(token)
      continue
    }
    const file = tokens[at + 1]?.kind === WORD
    into = file ? 'file' : (into ?? 'variables')
    at = end - 1
  }
  return into === undefined ? { tokens, into } : { tokens: kept, into }
}

const ofFile: ReadonlySet<string> = new Set([
  ...[
    'fields',
    'columns',
    'lines',
    'terminated',
    'enclosed',
    'escaped',
    'optionally',
    'by',
    'starting',
  ],
  ...['character', 'set', 'charset'],
])

/** The index behind what INTO says; undefined when it is an INSERT's. */
function intoEnd(tokens: readonly Token[], at: number): number | undefined {
  const first = tokens[at]
  if (first?.kind === VARIABLE) {
    while (isMark(tokens[at + 1], ',') && tokens[at + 2]?.kind === VARIABLE) at += 2
    return at + 1
  }
  if (!isWord(first, 'outfile') && !isWord(first, 'dumpfile')) return undefined
  if (tokens[at + 1]?.kind !== STRING) throw unread()
  at += 2
  for (; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind === STRING) continue
    const named = isWord(tokens[at - 1], 'set') || isWord(tokens[at - 1], 'charset')
    if (token.kind === WORD && (ofFile.has(token.text) || named)) continue
    if (token.kind === NAME && named) continue
    break
  }
  return at
}

/** True for words that are one literal, with or without a sign. */
export function isLiteral(tokens: readonly Token[]): boolean {
  const plain = tokens.length === 2 && isMark(tokens[0], '-') ? tokens.slice(1) : tokens
  const [only] = plain
  return (
    plain.length === 1 &&
    only !== undefined &&
    (only.kind === STRING || only.kind === NUMBER || only.kind === WORD || only.kind === NAME)
  )
}
