// SHOW, DESCRIBE, HELP: what the server tells of itself. What says values, other people's statements, passwords' hashes or the
// server's inside is for administrators; and so is whatever is not listed.
import type { Draft } from '../draft.ts'
import type { Cursor } from './cursor.ts'
import { STRING } from './lexer.ts'
import { type Reader, walkCondition } from './parsed.ts'
import { isOpenVariable } from './variables.ts'

/** What follows the names: a filter. */
const filter = '( (from|in) (\\w+|\\?)( \\. (\\w+|\\?))?)*( like \\?)?( where .*)?'

const ofSession = new RegExp(
  `^(warnings|errors|count \\( \\* \\) (warnings|errors)|(storage )?engines|plugins|privileges|profiles|profile.*|authors|contributors|(character set|charset|collation)${filter}|((session|local|global) )?status${filter})( limit .*)?$`,
)
const ofObjects = new RegExp(
  `^(databases|schemas|(extended )?(full )?(tables|columns|fields)|table status|open tables|triggers|events|(extended )?(index|indexes|keys)|(procedure|function|package|package body) status)${filter}$`,
)
const ofDefinitions =
  /^create (table|view|database|schema|procedure|function|trigger|event|sequence|package|package body)\b/

/** How many columns answers have: of MariaDB as measured, of MySQL by its manual. WARNINGS quote values, so they are not here. */
const widths: readonly (readonly [pattern: RegExp, mariadb: number, mysql: number])[] = [
  [/^(databases|schemas|tables|count|grants)\b/, 1, 1],
  [/^((session|global|local) )?(status|variables)\b/, 2, 2],
  [/^(full tables|create (table|database|schema|sequence))\b/, 2, 2],
  [/^privileges\b/, 3, 3],
  [/^(open tables|character set|charset|create view)\b/, 4, 4],
  [/^plugins\b/, 5, 5],
  [/^(columns|fields|(storage )?engines|create (procedure|function))\b/, 6, 6],
  [/^collation\b/, 6, 7],
  [/^create (trigger|event)\b/, 7, 7],
  [/^full (columns|fields)\b/, 9, 9],
  [/^(triggers|(procedure|function) status)\b/, 11, 11],
  [/^(index|indexes|keys)\b/, 14, 15],
  [/^events\b/, 15, 15],
  [/^table status\b/, 20, 18],
]

function widthOf(rest: string, flavour: Reader['flavour']): number | undefined {
  const found = widths.find(([pattern]) => pattern.test(rest))
  return found?.[flavour === 'mariadb' ? 1 : 2]
}

export function showStatement(cursor: Cursor, draft: Draft, reader: Reader): number | undefined {
  draft.verb = 'SHOW'
  draft.returnsRows = true
  draft.literalsMatter = true
  const rest = cursor.rest()
  const where = cursor.find('where')
  if (where !== -1) walkCondition(cursor.tokens.slice(where + 1), draft, reader)
  if (isVariables(rest)) {
    draft.add(asksOpenVariable(cursor) ? 'connect' : 'administer', 'SHOW')
    return where === -1 ? 2 : undefined
  }
  if (/^grants( for current_user( \( \))?)?$/.test(rest) || ofSession.test(rest)) {
    draft.add('connect', 'SHOW')
  } else if (ofObjects.test(rest) || ofDefinitions.test(rest)) catalog('columns', draft)
  else draft.add('administer', 'SHOW', undefined, [], 'system')
  return where === -1 ? widthOf(rest, reader.flavour) : undefined
}

/** Reads the server's catalog, as a query of information_schema would. */
function catalog(name: string, draft: Draft): void {
  draft.touch('read', 'SHOW', { schema: 'information_schema', name }, [])
}

function isVariables(rest: string): boolean {
  return /^((session|local|global) )?variables\b/.test(rest)
}

/** Of what could be a path, a key or a password nothing is told; nor of all at once. */
const closed =
  /audit|auth|basedir|cert|cipher|crl|data|dir|file|init|key|log|pass|plugin|proxy|report|secret|secure|socket|ssl|tls|token|vault/

/** `LIKE 'x'` of variables that are open to all, or that cannot be of the closed ones. */
function asksOpenVariable(cursor: Cursor): boolean {
  const at = cursor.find('like')
  const pattern = at === -1 ? undefined : cursor.tokens[at + 1]
  const only = pattern?.kind === STRING && cursor.tokens.length === at + 2
  if (!only) {
    // `WHERE Variable_name IN ('a', 'b')`, as drivers ask.
    const where = cursor.find('where')
    return where !== -1 && asksByName(cursor, where + 1)
  }
  return isOpenPattern(pattern.text)
}

function isOpenPattern(pattern: string): boolean {
  const name = pattern.toLowerCase().replaceAll('\\_', '_')
  if (isOpenVariable(name)) return true
  const start = /^[^%]*/.exec(name)?.[0] ?? ''
  return (
    start.length > 4 &&
    !closed.test(name) &&
    !/^[_]/.test(start) &&
    !name.slice(0, -1).includes('%')
  )
}

/** `Variable_name = 'a' OR Variable_name IN ('b', 'c')` and nothing else. */
function asksByName(cursor: Cursor, from: number): boolean {
  const words = cursor.tokens.slice(from)
  const shape = words.map(each => (each.kind === STRING ? '?' : each.text.toLowerCase())).join(' ')
  const one = '`?variable_name`? (= \\?|like \\?|in \\( \\?( , \\?)* \\))'
  if (!new RegExp(`^${one}( or ${one})*$`).test(shape)) return false
  return words.filter(each => each.kind === STRING).every(each => isOpenPattern(each.text))
}

/** `DESCRIBE t`, `EXPLAIN t column`. */
export function describeStatement(draft: Draft): number {
  draft.verb = 'DESCRIBE'
  draft.returnsRows = true
  catalog('columns', draft)
  return 6
}
