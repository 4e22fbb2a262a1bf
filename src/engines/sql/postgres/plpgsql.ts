// The SQL that PL/pgSQL code holds, by the server's own parser of it. What the parser's answer does not account for makes
// the whole unknown: nothing of a body is skipped.
import { parsePlPgSQLSync } from 'libpg-query'
import { Refusal } from '../draft.ts'
import { tokensOf, WORD } from '../tokens.ts'
import { builtInTypes } from './catalog-names.ts'
import { isTree, listOf, type Tree, textOf } from './tree.ts'

export interface PlpgsqlCode {
  /** Each is a whole SQL text. */
  readonly texts: readonly string[]
  /** Some of it is built at run time. */
  readonly dynamic: boolean
}

/** `definition`: CREATE FUNCTION or DO; `source`: the code in it. Throws when it cannot be read. */
export function plpgsqlCode(definition: string, source: string): PlpgsqlCode {
  const code = new Code()
  for (const each of listOf((parse(definition) as unknown as Tree)['plpgsql_funcs'])) {
    code.visit(each)
  }
  if (!code.accountsFor(source)) throw unread('code that its parser does not tell of')
  return code
}

function parse(definition: string): unknown {
  try {
    return parsePlPgSQLSync(definition)
  } catch (error) {
    // It knows no tables, so no row types: a record has the same fields for all that we ask.
    const changed = definition.replace(/[\w.]+%rowtype/gi, 'record')
    if (changed === definition) throw error
    return parsePlPgSQLSync(changed)
  }
}

function unread(what: string): Refusal {
  return new Refusal('statement_unsupported', `${what} in a function's body`)
}

/** All types of node that the parser answers with; another one may hold code in a way that we do not know. */
const known: ReadonlySet<string> = new Set(
  `function alias var type row rec recfield stmt_block stmt_open stmt_fetch stmt_close stmt_fori stmt_fors stmt_exit
  stmt_foreach_a stmt_perform stmt_while stmt_loop stmt_raise raise_option stmt_if if_elsif stmt_case case_when
  stmt_dynexecute stmt_dynfors stmt_forc stmt_return_query stmt_return_next stmt_getdiag diag_item stmt_assert
  stmt_call stmt_assign stmt_execsql exception_block exception condition stmt_commit stmt_rollback stmt_return`
    .split(/\s+/)
    .map(name => `PLpgSQL_${name}`),
)

/** Raw parse modes of the server: a statement, an expression, an assignment to one of one to three names. */
const STATEMENT = 0
const EXPRESSION = 2

class Code implements PlpgsqlCode {
  readonly texts: string[] = []
  dynamic = false
  readonly #variables = new Set<string>()
  readonly #types = new Set<string>()

  visit(value: unknown): void {
    if (Array.isArray(value)) {
      for (const each of value) this.visit(each)
      return
    }
    if (!isTree(value)) return
    for (const key in value) {
      const inner = value[key]
      if (key === 'PLpgSQL_expr') this.#expression(inner)
      else if (key.startsWith('PLpgSQL_')) this.#node(key, inner)
      else this.visit(inner)
    }
  }

  #node(type: string, fields: unknown): void {
    if (!known.has(type) || !isTree(fields)) throw unread(type)
    const built = fields['dynquery'] !== undefined
    if (type.startsWith('PLpgSQL_stmt_dyn') || built) this.dynamic = true
    const name = textOf(fields['refname'])
    if (name !== undefined) this.#variables.add(name.toLowerCase())
    if (type === 'PLpgSQL_type') this.#type(textOf(fields['typname']) ?? '')
    this.visit(fields)
  }

  /** A value of the type is made: a domain's check may run. */
  #type(name: string): void {
    // Of `%TYPE`: the type of a column, whose name the parser does not look up.
    if (name === '' || name === 'record' || name.includes('%') || this.#types.has(name)) return
    this.#types.add(name)
    this.texts.push(`SELECT NULL::${name}`)
  }

  #expression(fields: unknown): void {
    const query = isTree(fields) ? textOf(fields['query']) : undefined
    const mode = isTree(fields) ? (fields['parseMode'] ?? STATEMENT) : undefined
    if (query === undefined || typeof mode !== 'number') throw unread('an expression')
    if (mode === STATEMENT) this.texts.push(query)
    else if (mode === EXPRESSION) this.texts.push(`SELECT ${query}`)
    else this.texts.push(`SELECT ${assignment(query)}`)
  }

  /** True when each name that is called or selected from in the source is in a text, or is a variable's or a type's. */
  accountsFor(source: string): boolean {
    const told = new Set<string>()
    for (const text of this.texts) for (const word of wordsOf(text)) told.add(word)
    const tokens = tokensOf(source)
    if (tokens === undefined) return false
    for (let at = 0; at < tokens.count; at++) {
      const isName = tokens.kind(at) === WORD || tokens.text[tokens.start(at)] === '"'
      if (!isName) continue
      const word = tokens.slice(at).toLowerCase()
      const called = tokens.is(at + 1, '(')
      const named = ['from', 'join', 'update', 'into', 'table'].some(each =>
        tokens.isWord(at - 1, each),
      )
      if (!called && !named) continue
      if (told.has(word) || this.#variables.has(word.replaceAll('"', ''))) continue
      if (!before.has(word) && !builtInTypes.has(word)) return false
    }
    return true
  }
}

/** Words of PL/pgSQL and of types that a bracket, or FROM and the like, may stand beside. */
const before: ReadonlySet<string> = new Set(
  `if elsif elseif while when case return next in and or not using cursor for exit continue execute raise assert query
  perform then else loop begin declare array strict current_of varchar character varying char decimal dec numeric float
  bit time timestamp interval nchar precision exception setof forward backward relative absolute prior first last all
  found into`.split(/\s+/),
)

function wordsOf(text: string): readonly string[] {
  const tokens = tokensOf(text)
  if (tokens === undefined) return []
  return Array.from({ length: tokens.count }, (_, at) => tokens.slice(at).toLowerCase())
}

/** `x[f(1)] := g()` evaluates both sides. */
function assignment(text: string): string {
  const tokens = tokensOf(text)
  if (tokens === undefined) throw unread('an assignment')
  let depth = 0
  for (let at = 0; at < tokens.count; at++) {
    if (tokens.is(at, '(') || tokens.is(at, '[')) depth++
    else if (tokens.is(at, ')') || tokens.is(at, ']')) depth--
    else if (depth === 0 && tokens.is(at, '=')) {
      const colon = tokens.is(at - 1, ':') ? 1 : 0
      return `${text.slice(0, tokens.start(at - colon))}, ${text.slice(tokens.end(at))}`
    }
  }
  throw unread('an assignment')
}
