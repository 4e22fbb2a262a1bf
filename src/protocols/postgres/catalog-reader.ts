// Reads a catalog snapshot over a connection of our own: the same login as a session's, read-only, closed at
// the end. Rows are taken one by one, so that the largest catalog costs its snapshot and little more.
import { searchPathOf } from '#engines/sql'
import { UpstreamError } from '#model'
import {
  LEADS_TO,
  NAMED_TYPES,
  OPERATORS,
  OWN_CODE,
  ROUTINES,
  RULES,
  TRIGGERS,
  TYPE_CODE,
  UNASKED_CASTS,
  VALUE_CALLS,
  VIEW_CALLS,
} from './catalog-code-queries.ts'
import type { ViewRow } from './catalog-origins.ts'
import type { OwnCodeRows } from './catalog-own-code.ts'
import {
  BEGIN,
  END,
  GENERATED,
  PARENTS,
  READERS,
  RELATIONS,
  SCHEMAS,
  SESSION,
  TYPES,
  VIEW_DEPENDENCIES,
  VIEW_RULES,
} from './catalog-queries.ts'
import type { RelationRow } from './catalog-relation.ts'
import { Routines, type RuleRow, rulesOf } from './catalog-routines.ts'
import { type CatalogRows, CatalogSnapshot } from './catalog-snapshot.ts'
import { Questions } from './questions.ts'
import { type TypeRow, textForms } from './type-forms.ts'
import type { UpstreamLogin } from './upstream.ts'
import { readGenerated, readViewColumns } from './view-columns.ts'
import { viewSources } from './view-sources.ts'

/** A relation has at most 1,600 columns; a view's rule is capped in the query. */
const MAX_ROW_BYTES = 4 * 1024 * 1024
const MAX_ROWS = 500_000
const READ_MS = 90_000
/** Of one reading: a hundred thousand relations of a hundred columns stay below it. */
const MAX_BYTES = 512 * 1024 * 1024
/** Characters of views' rules that are kept until somebody asks what a column is made of. */
const MOST_TREES = 16 * 1024 * 1024
/** Objects below this number came with the server (FirstNormalObjectId). */
const FIRST_USER_OID = 16_384

/** Takes the connection and closes it. Throws UpstreamError, ProtocolError. */
export async function readCatalog(
  login: UpstreamLogin,
  mostBytes: number = MAX_BYTES,
): Promise<CatalogSnapshot> {
  const connection = new Questions(login, {
    subject: 'the catalog',
    frameBytes: MAX_ROW_BYTES,
    rows: MAX_ROWS,
    bytes: mostBytes,
  })
  const deadline = setTimeout(
    () => connection.fail(new UpstreamError('upstream_lost', 'reading the catalog took too long')),
    READ_MS,
  )
  try {
    return await readSnapshot(connection)
  } finally {
    clearTimeout(deadline)
    connection.close()
  }
}

async function readSnapshot(connection: Questions): Promise<CatalogSnapshot> {
  let searchPath: readonly string[] | undefined
  let user = ''
  await connection.ask(SESSION, ([path, name]) => {
    searchPath = searchPathOf(path ?? '')
    user = name ?? ''
  })
  await connection.ask(BEGIN, () => {})

  const relations: RelationRow[] = []
  const schemas = new Map<string, string>()
  await connection.ask(RELATIONS, ([oid, schema = '', name = '', kind = '', columns]) => {
    const known = schemas.get(schema ?? '') ?? schema ?? ''
    schemas.set(known, known) // one string for all relations of a schema
    relations.push({
      oid: Number(oid),
      schema: known,
      name: name ?? '',
      kind: kind ?? '',
      columns: columns ?? '',
    })
  })

  const parents = new Map<number, number[]>()
  await connection.ask(PARENTS, ([child, parent]) => {
    push(parents, Number(child), Number(parent))
  })

  const types: TypeRow[] = []
  await connection.ask(TYPES, ([oid, name, typtype, category, base, element]) => {
    types.push({
      oid: Number(oid),
      name: name ?? '',
      typtype: typtype ?? '',
      category: category ?? '',
      base: Number(base),
      element: Number(element),
    })
  })

  const readers = new Set<number>()
  await connection.ask(READERS, ([oid]) => void readers.add(Number(oid)))
  const rules = new Map<number, Omit<ViewRow, 'dependencies'>>()
  let treesLeft = MOST_TREES
  const isOpaque = (oid: number) => oid >= FIRST_USER_OID || readers.has(oid)
  await connection.ask(VIEW_RULES, ([oid, given]) => {
    const tree = given ?? ''
    const columns = readViewColumns(tree, isOpaque)
    const computes = [...(columns?.columns.values() ?? [])].some(({ kind }) => kind === 'computed')
    const kept = computes && tree.length <= treesLeft
    if (kept) treesLeft -= tree.length
    rules.set(Number(oid), kept ? { columns, sourcesOf: viewSources(tree, isOpaque) } : { columns })
  })
  const views = new Map<number, ViewRow>()
  for (const [oid, rule] of rules) views.set(oid, { ...rule, dependencies: '' })
  await connection.ask(VIEW_DEPENDENCIES, ([oid, dependencies]) => {
    const rule = rules.get(Number(oid)) ?? { columns: undefined }
    views.set(Number(oid), { ...rule, dependencies: dependencies ?? '' })
  })

  const generated = new Map<string, readonly number[] | 'all'>()
  await connection.ask(GENERATED, ([oid, attnum, tree]) => {
    generated.set(`${oid} ${attnum}`, tree == null ? 'all' : readGenerated(tree, isOpaque))
  })

  const code = await readCode(connection)
  const namedTypes = new Map<string, Map<string, boolean>>()
  await connection.ask(NAMED_TYPES, ([schema, name, plain]) => {
    const found = namedTypes.get(name ?? '')
    if (found === undefined) namedTypes.set(name ?? '', new Map([[schema ?? '', plain === 't']]))
    else found.set(schema ?? '', plain === 't')
  })
  const usable = new Set<string>()
  await connection.ask(SCHEMAS, ([name]) => void usable.add(name ?? ''))

  await connection.ask(END, () => {})
  const forms = textForms(types)
  return new CatalogSnapshot({
    relations,
    parents,
    views,
    forms,
    generated,
    ...code,
    namedTypes,
    usable,
    searchPath,
    user,
  })
}

/** Functions, and what runs them without being asked by name. */
async function readCode(
  connection: Questions,
): Promise<
  Pick<CatalogRows, 'routines' | 'calls' | 'valueCalls' | 'rules' | 'triggers' | 'ownCode'>
> {
  const routines = new Routines()
  await connection.ask(ROUTINES, ([oid, schema, name, definer, path, definition]) => {
    routines.add({
      oid: Number(oid),
      schema: schema ?? '',
      name: name ?? '',
      definer: definer === 't',
      path: path ?? undefined,
      definition: definition ?? undefined,
    })
  })
  await connection.ask(OPERATORS, ([schema, name, oid]) => {
    routines.addOperator(schema ?? '', name ?? '', Number(oid))
  })
  const calls = new Map<number, number[]>()
  await connection.ask(VIEW_CALLS, ([relation, oid]) => {
    push(calls, Number(relation), Number(oid))
  })
  const valueCalls = new Map<number, number[]>()
  await connection.ask(VALUE_CALLS, ([relation, oid]) => {
    push(calls, Number(relation), Number(oid))
    push(valueCalls, Number(relation), Number(oid))
  })
  const rules: RuleRow[] = []
  await connection.ask(RULES, ([relation, event, definition]) => {
    rules.push({
      relation: Number(relation),
      event: event ?? '',
      definition: definition ?? undefined,
    })
  })
  const triggers = new Set<number>()
  await connection.ask(TRIGGERS, ([relation]) => void triggers.add(Number(relation)))
  return {
    routines,
    calls,
    valueCalls,
    rules: rulesOf(rules),
    triggers,
    ownCode: await readOwnCode(connection),
  }
}

async function readOwnCode(connection: Questions): Promise<OwnCodeRows> {
  const ofRelations = new Map<number, { routine: number; occasions: number }[]>()
  await connection.ask(OWN_CODE, ([relation, routine, occasions]) => {
    push(ofRelations, Number(relation), { routine: Number(routine), occasions: Number(occasions) })
  })
  const leadsTo = new Map<number, { on: number; to: number; occasions: number }[]>()
  await connection.ask(LEADS_TO, ([relation, on, to, occasions]) => {
    push(leadsTo, Number(relation), {
      on: Number(on),
      to: Number(to),
      occasions: Number(occasions),
    })
  })
  const ofTypes = new Map<number, number[]>()
  await connection.ask(TYPE_CODE, ([type, routine]) => {
    push(ofTypes, Number(type), Number(routine))
  })
  const unasked: number[] = []
  await connection.ask(UNASKED_CASTS, ([routine]) => void unasked.push(Number(routine)))
  return { ofRelations, leadsTo, ofTypes, unasked }
}

function push<V>(map: Map<number, V[]>, key: number, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
