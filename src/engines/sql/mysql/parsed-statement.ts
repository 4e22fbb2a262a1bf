// Queries and writes: what the parser reads.
import type { Draft } from '../draft.ts'
import { isMark, isWord } from './cursor.ts'
import { MARK, type Token, WORD } from './lexer.ts'
import { planned, treeOf, verbOf, walkTree, withoutInto } from './parsed.ts'
import { withPlainTables } from './tables-written.ts'
import type { Text } from './verb.ts'

const queries: ReadonlySet<string> = new Set([
  ...['select', 'with', 'values', 'table', 'insert', 'replace', 'update', 'delete'],
])

export function beginsQuery(token: Token | undefined): boolean {
  return isMark(token, '(') || (token?.kind === WORD && queries.has(token.text))
}

export function parsedStatement(tokens: readonly Token[], draft: Draft, text: Text): void {
  const { tokens: words, into } = withoutInto(withPlainTables(asQuery(tokens), text.flavour))
  const tree = treeOf(words, text)
  const verb = verbOf(tree)
  draft.verb = verb
  walkTree(tree, verb, draft, text)
  draft.planned = planned(tree, text, into === undefined ? {} : { into: 'SELECT INTO' })
  if (verb === 'SELECT') draft.returnsRows ||= into === undefined
  if (into === 'file') {
    draft.add(
      'administer',
      'SELECT INTO OUTFILE',
      undefined,
      ['server_files', 'bulk'],
      'file_program',
    )
  }
}

/** `TABLE t ...` is `SELECT * FROM t ...`. */
function asQuery(tokens: readonly Token[]): readonly Token[] {
  const [first] = tokens
  if (first === undefined || !isWord(first, 'table')) return tokens
  const word = (text: string): Token => ({ ...first, text, written: text })
  return [
    word('select'),
    { ...first, kind: MARK, text: '*', written: '*' },
    word('from'),
    ...tokens.slice(1),
  ]
}
