// The relations that a statement touches, as the server's catalog has them, and whether code of users lies in
// the way of planning it. Asks; decides nothing about the statement.
import type { Parameter, PreviewTable, Statement } from '#model'
import {
  END_LOOK,
  HAZARDS,
  LOOK,
  limitedTo,
  quoted,
  READ_MS,
  TABLES,
  UNNAMED_CODE,
} from './preview-queries.ts'
import type { Questions } from './questions.ts'

export interface Relation {
  readonly oid: string
  table: PreviewTable
  readonly quotedName: string
  readonly countable: boolean
  /** A change of its rows runs triggers or cascades. */
  readonly setsOff: boolean
}

const RELATION_KINDS: ReadonlySet<string> = new Set([
  'table',
  'view',
  'materialized view',
  'foreign table',
  'sequence',
])
const kinds: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'sequence',
}
/** More than a person reads; the others are still looked through for hazards. */
const MOST_RELATIONS = 200
/** Operators that a text can use without writing them: IN, BETWEEN, LIKE, joins, ORDER BY, DISTINCT. */
const IMPLICIT = ['=', '<>', '<', '<=', '>', '>=', '~~', '!~~', '~~*', '!~~*']

/** `unknown`: names that the server does not have, or that mean something in the session alone. */
export async function readRelations(
  server: Questions,
  { operations }: Statement,
): Promise<{ readonly known: readonly Relation[]; readonly unknown: readonly string[] }> {
  // What is being made is not there yet.
  const touched = operations.filter(
    ({ action, object, verb }) =>
      RELATION_KINDS.has(object.kind) && !(action === 'define' && /^CREATE|INTO$/.test(verb)),
  )
  const defined = operations.filter(({ action }) => action === 'define')
  const names = [...new Set([...touched, ...defined].map(({ object }) => object.name))]
  const asked = names.slice(0, MOST_RELATIONS).flatMap(object => {
    const parts = splitName(object)
    return parts === undefined || isTemporary(parts.schema) ? [] : [{ object, ...parts }]
  })
  const empties = operations.some(
    ({ action, flags }) => action === 'define' || flags.includes('destructive'),
  )
  const known: Relation[] = []
  await server.ask(`${LOOK}${limitedTo(READ_MS)}`)
  await server.askWith(
    TABLES,
    [json(asked), text(String(empties))],
    ([object, oid, kind, rows, countable, setsOff, dependents]) => {
      const parts = asked.find(each => each.object === object)
      if (parts === undefined) return
      known.push({
        oid: oid ?? '',
        countable: countable === 't',
        setsOff: setsOff === 't',
        quotedName: `${quoted(parts.schema)}.${quoted(parts.name)}`,
        table: {
          name: parts.object,
          kind: kinds[kind ?? ''] ?? 'relation',
          exact: false,
          ...numbered('rows', rows),
          ...numbered('dependents', dependents),
        },
      })
    },
  )
  await server.ask(END_LOOK)
  const found = new Set(known.map(({ table }) => table.name))
  const wanted = touched.map(({ object }) => object.name)
  return { known, unknown: [...new Set(wanted)].filter(name => !found.has(name)) }
}

/** `why`: planning the text could run code of a user. `of`: the relations (oids) that have some in them. */
export async function codeInReach(
  server: Questions,
  statement: string,
  relations: readonly Relation[],
): Promise<{ readonly why?: string; readonly of: ReadonlySet<string> }> {
  const of = new Set<string>()
  let why: string | undefined
  await server.ask(`${LOOK}${limitedTo(READ_MS)}`)
  const oids = relations.map(({ oid }) => oid)
  await server.askWith(HAZARDS, [json(oids)], ([oid]) => void of.add(oid ?? ''))
  let answered = false
  await server.askWith(UNNAMED_CODE, [], ([casts, ranges, domains, operators]) => {
    answered = true
    if (casts !== 'f') why = 'casts'
    else if (ranges !== 'f') why = 'range types'
    else if (domains !== 'f') why = 'domains'
    else if (mayUse(statement, operators ?? '[]')) why = 'operators'
  })
  await server.ask(END_LOOK)
  if (!answered) return { of, why: 'The database does not tell what code planning could run.' }
  if (why !== undefined)
    return {
      of,
      why: `The database has ${why} made of users' code, and planning could run that already.`,
    }
  const rests = relations.find(({ oid }) => of.has(oid))
  if (rests === undefined) return { of }
  return {
    of,
    why: `${rests.table.name} rests on a user's code or on another server, and planning could run that already.`,
  }
}

/** Nothing when the server says none, or no number. */
function numbered<Name extends string>(
  name: Name,
  answer: string | null | undefined,
): { readonly [Key in Name]?: number } | undefined {
  if (answer == null || !/^\d{1,15}(\.\d+)?$/.test(answer)) return undefined
  return { [name]: Number(answer) } as { readonly [Key in Name]?: number }
}

/** Undefined when the name has no schema: it could not be resolved. */
function splitName(object: string): { schema: string; name: string } | undefined {
  const match = /^("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(object)
  const [, schema, name] = match ?? []
  if (schema === undefined || name === undefined) return undefined
  return { schema: unquoted(schema), name: unquoted(name) }
}

function unquoted(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part
}

/** Another connection has other ones, and cannot see this session's. */
function isTemporary(schema: string): boolean {
  return schema === 'pg_temp' || schema.startsWith('pg_temp_')
}

function mayUse(statement: string, operators: string): boolean {
  let names: unknown
  try {
    names = JSON.parse(operators)
  } catch {
    return true // safe: what cannot be read may be anything
  }
  if (!Array.isArray(names)) return true
  return names.some(
    name => typeof name !== 'string' || IMPLICIT.includes(name) || statement.includes(name),
  )
}

/** A value of ours for a question. */
export function json(value: unknown): Parameter {
  return text(JSON.stringify(value))
}

function text(value: string): Parameter {
  return { type: '25', format: 'text', value: Buffer.from(value) }
}
