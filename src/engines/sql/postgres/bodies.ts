// What code that is kept on the server does: bodies of functions and procedures (SQL and PL/pgSQL), actions of rules, and
// DO. Never throws past its door: what cannot be read is unknown.
import { parseSync } from 'libpg-query'
import type { SqlStatement } from '../analysis.ts'
import { Refusal } from '../draft.ts'
import { tokensOf } from '../tokens.ts'
import { plpgsqlCode } from './plpgsql.ts'
import { fieldsOf, isTree, listOf, nameOf, textOf } from './tree.ts'
import { MOST_WORDS, Walk } from './walk.ts'

/** Code whose SQL is known. Parameters and variables in it are names that no relation has. */
export interface Code {
  readonly statements: readonly SqlStatement[]
  /** Some of it is built at run time: it may do anything. */
  readonly dynamic: boolean
  /** It has variables, through which values go from one of its statements to another. */
  readonly variables: boolean
}

/** Of a function or procedure, as pg_get_functiondef gives it. */
export function readRoutine(definition: string): Code | 'unknown' {
  return reading(() => {
    if ((tokensOf(definition)?.count ?? MOST_WORDS) >= MOST_WORDS) throw unread()
    const fields = fieldsOf(only(definition), 'CreateFunctionStmt')
    if (fields === undefined) throw unread()
    // Defaults are evaluated where the function is called.
    const defaults = listOf(fields['parameters']).flatMap(each => {
      const value = fieldsOf(each, 'FunctionParameter')?.['defexpr']
      return value === undefined ? [] : [selecting(value)]
    })
    const options = optionsOf(fields['options'])
    const language = nameOf(options.get('language'))?.toLowerCase()
    const source = listOf(fieldsOf(options.get('as'), 'List')?.['items']).map(nameOf)[0]
    if ((tokensOf(source ?? '')?.count ?? MOST_WORDS) >= MOST_WORDS) throw unread()
    const code = codeOf(language, definition, source, fields['sql_body'])
    return { ...code, statements: [...defaults, ...code.statements] }
  })
}

/** Of a DO statement. Takes the words that it has from what is left of those that may be read. */
export function readBlock(
  language: string,
  source: string,
  left: { words: number },
): Code | 'unknown' {
  if (language !== 'plpgsql') return 'unknown'
  return reading(() => {
    left.words -= tokensOf(source)?.count ?? MOST_WORDS
    if (left.words < 0) throw unread()
    return plpgsql(`DO ${quoted(source)}`, source)
  })
}

/** The actions of a rule, as pg_get_ruledef gives it. */
export function readRule(definition: string): Code | 'unknown' {
  return reading(() => {
    if ((tokensOf(definition)?.count ?? MOST_WORDS) >= MOST_WORDS) throw unread()
    const fields = fieldsOf(only(definition), 'RuleStmt')
    if (fields === undefined) throw unread()
    const condition = fields['whereClause']
    return fixed([
      ...(condition === undefined ? [] : [selecting(condition)]),
      ...listOf(fields['actions']).map(statementOf),
    ])
  })
}

function codeOf(
  language: string | undefined,
  definition: string,
  source: string | undefined,
  body: unknown,
): Code {
  if (language === 'sql' && body !== undefined) return fixed(sqlBody(body))
  if (source === undefined) throw unread()
  if (language === 'sql') return fixed(statementsOf(source))
  if (language === 'plpgsql') return plpgsql(definition, source)
  throw unread()
}

function fixed(statements: readonly SqlStatement[]): Code {
  return { statements, dynamic: false, variables: false }
}

function plpgsql(definition: string, source: string): Code {
  const { texts, dynamic } = plpgsqlCode(definition, source)
  return { statements: texts.flatMap(statementsOf), dynamic, variables: true }
}

/** RETURN expression, or BEGIN ATOMIC ... END. */
function sqlBody(body: unknown): readonly SqlStatement[] {
  const list = fieldsOf(body, 'List')
  if (list !== undefined) return listOf(list['items']).flatMap(sqlBody)
  const returned = fieldsOf(body, 'ReturnStmt')
  if (returned !== undefined) return [selecting(returned['returnval'])]
  return isTree(body) && Object.keys(body).length > 0 ? [statementOf(body)] : []
}

function selecting(value: unknown): SqlStatement {
  return statementOf({
    SelectStmt: { targetList: [{ ResTarget: { val: value } }], op: 'SETOP_NONE' },
  })
}

function statementsOf(text: string): readonly SqlStatement[] {
  return listOf(parseSync(text).stmts).map(each => statementOf(isTree(each) ? each['stmt'] : each))
}

function statementOf(tree: unknown): SqlStatement {
  return new Walk().statement(tree)
}

function only(definition: string): unknown {
  const [first, ...others] = listOf(parseSync(definition).stmts)
  if (others.length > 0 || !isTree(first)) throw unread()
  return first['stmt']
}

function optionsOf(list: unknown): ReadonlyMap<string, unknown> {
  const options = new Map<string, unknown>()
  for (const each of listOf(list)) {
    const option = fieldsOf(each, 'DefElem')
    const name = textOf(option?.['defname'])
    if (name !== undefined) options.set(name, option?.['arg'])
  }
  return options
}

function reading(read: () => Code): Code | 'unknown' {
  try {
    return read()
  } catch {
    // Safe: what is not understood is unknown, and whoever calls it is told that it may do anything.
    return 'unknown'
  }
}

function unread(): Refusal {
  return new Refusal('statement_unsupported', 'this body is not understood')
}

/** A dollar-quoted string that the text cannot end. */
function quoted(text: string): string {
  let tag = '$code$'
  while (text.includes(tag)) tag = `$${'c'.repeat(tag.length)}$`
  return `${tag}${text}${tag}`
}
