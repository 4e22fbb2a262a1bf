// What a held statement would do, for whoever approves it: tables, estimates and the plan, asked of the server on a
// connection of our own, in transactions that cannot write. Nothing of the statement runs: no ANALYZE, and no plan
// where planning could run a user's code, since a server runs what calls itself IMMUTABLE while it plans.
import type { Analyser, SqlStatement } from '#engines/sql'
import type { Gateway, Session, UpstreamAccess } from '#gateway'
import { isGatewayError, type Preview, type Statement, UpstreamError } from '#model'
import { countability } from './guard.ts'
import { type Estimate, readEstimate } from './preview-plan.ts'
import {
  COUNT_MS,
  countRows,
  END_LOOK,
  LOOK,
  limitedTo,
  PLAN_MS,
  quoted,
  SMALL,
} from './preview-queries.ts'
import { codeInReach, json, type Relation, readRelations } from './preview-relations.ts'
import { QuestionRefused, Questions } from './questions.ts'
import type { PostgresSettings } from './settings.ts'
import { logIn } from './upstream.ts'

const PREVIEW_NAME = 'sallyport:preview'
/** A plan in JSON is one row; parsing more than this would hold up the sessions. */
const MOST_ANSWER_BYTES = 1024 * 1024
const MOST_ROWS = 20_000
const MOST_PLAN_CHARACTERS = 40_000
const MOST_COUNTED = 8

/** What EXPLAIN takes and we can say something about. */
const PLANNABLE: ReadonlySet<string> = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'CREATE TABLE AS',
  'SELECT INTO',
])

export interface PreviewerParts {
  readonly resource: Session<PostgresSettings>['resource']
  readonly database: string
  /** As the client's own login has them. */
  readonly settings: ReadonlyMap<string, string>
  readonly analyser: Analyser
  readonly limits: Pick<Gateway['limits'], 'upstreamLoginMs'>
}

export type Previewer = (statement: Statement, access: UpstreamAccess) => Promise<Preview>

/** Throws UpstreamError when the server cannot be asked at all. */
export function createPreviewer(parts: PreviewerParts): Previewer {
  return async (statement, access) => {
    const login = await logIn(
      { ...access, resource: parts.resource },
      { database: parts.database, settings: parts.settings, applicationName: PREVIEW_NAME },
      parts.limits,
    )
    const server = new Questions(login, {
      subject: 'the plan',
      frameBytes: MOST_ANSWER_BYTES,
      rows: MOST_ROWS,
      bytes: 4 * MOST_ANSWER_BYTES,
    })
    const timeOut = (): void =>
      server.fail(new UpstreamError('upstream_lost', 'The database did not answer in time.'))
    access.signal.addEventListener('abort', timeOut)
    if (access.signal.aborted) timeOut()
    try {
      return await look(server, statement, parts.analyser)
    } finally {
      access.signal.removeEventListener('abort', timeOut)
      server.close()
    }
  }
}

async function look(server: Questions, statement: Statement, analyser: Analyser): Promise<Preview> {
  const analysis = analyser.analyse(statement.text)
  const statements = analysis.readable ? analysis.statements : []
  const relations = await readRelations(server, statement)
  const preview = (found: Partial<Preview>): Preview => ({
    tables: relations.known.map(({ table }) => table),
    notes: notesOn(statement, relations.known),
    ...found,
  })
  const unplannable = whyNoPlan(statement, statements, relations.unknown)
  let code: Awaited<ReturnType<typeof codeInReach>>
  try {
    code = await codeInReach(server, statement.text, relations.known)
    await countSmall(server, relations.known, code.of)
  } catch (error) {
    return preview({ unavailable: inWords(error) })
  }
  const unavailable = unplannable ?? code.why
  if (unavailable !== undefined) return preview({ unavailable })
  const plan: { estimate?: Estimate; text?: string } = {}
  try {
    await explain(server, statement, plan)
  } catch (error) {
    // Safe: what is known by then is shown; the rest is said to be unknown.
    if (plan.estimate === undefined) return preview({ unavailable: inWords(error) })
  }
  const guarded = countability(statements) === 'countable'
  return preview({
    ...(plan.estimate === undefined ? {} : { estimate: { ...plan.estimate, guarded } }),
    ...(plan.text === undefined
      ? { unavailable: 'The plan was not there in time.' }
      : { plan: plan.text }),
  })
}

/** In words, where the text itself or the session stands against planning it from outside. */
function whyNoPlan(
  { operations, state }: Statement,
  statements: readonly SqlStatement[],
  unknown: readonly string[],
): string | undefined {
  const only = statements[0]
  if (only === undefined) return 'The text cannot be planned.'
  if (statements.length > 1) {
    return `The text holds ${statements.length} statements: what comes first may change what the others do.`
  }
  if (!PLANNABLE.has(only.verb)) return `There are no plans for ${only.verb}.`
  const called = operations.find(({ action }) => action === 'execute')
  if (called !== undefined) {
    return `It calls ${called.object.name || 'code'} (${called.object.kind}), and planning could run that already.`
  }
  if (operations.some(({ flags }) => flags.includes('dynamic') || flags.includes('server_files'))) {
    return 'What it runs is not known before it runs.'
  }
  const [missing] = unknown
  if (missing !== undefined)
    return `${missing} is new to the gateway, or there for the session alone.`
  if (state?.['search_path'] === 'unknown') return 'The search_path of the session is not known.'
  if (state?.['role'] === 'unknown') return 'The role of the session is not known.'
  return undefined
}

/** The session's own role and path, then the plan twice: for our reading, and for people's. */
async function explain(
  server: Questions,
  statement: Statement,
  found: { estimate?: Estimate; text?: string },
): Promise<void> {
  await server.ask(`${LOOK}${limitedTo(PLAN_MS)}${asInSession(statement)}`)
  const { text, parameters = [] } = statement
  let tree = ''
  await server.askWith(`EXPLAIN (FORMAT JSON) ${text}`, parameters, ([line]) => {
    tree += line ?? ''
  })
  const estimate = readEstimate(tree)
  if (estimate !== undefined) found.estimate = estimate
  let plan = ''
  await server.askWith(`EXPLAIN ${text}`, parameters, ([line]) => {
    if (plan.length < MOST_PLAN_CHARACTERS) plan += `${plan === '' ? '' : '\n'}${line ?? ''}`
  })
  found.text = plan
  await server.ask(END_LOOK)
}

function asInSession({ state }: Statement): string {
  const { role, search_path: path } = state ?? {}
  let settings = ''
  if (role !== undefined && role !== '') settings += `; SET LOCAL ROLE ${quoted(role)}`
  if (path !== undefined) {
    const schemas: unknown = JSON.parse(path) // our own writing (Scope.state)
    const names = Array.isArray(schemas) ? schemas.map(name => quoted(String(name))) : []
    settings += `; SET LOCAL search_path = ${names.length === 0 ? "''" : names.join(', ')}`
  }
  return settings
}

/** Small tables are counted: their statistics are old or not there. Fails silently: the statistics stand. */
async function countSmall(
  server: Questions,
  relations: readonly Relation[],
  hazardous: ReadonlySet<string>,
): Promise<void> {
  const candidates = relations.filter(({ countable, oid }) => countable && !hazardous.has(oid))
  if (candidates.length === 0) return
  try {
    await server.ask(`${LOOK}${limitedTo(COUNT_MS)}`)
    const oids = new Set<string | null | undefined>()
    await server.askWith(SMALL, [json(candidates.map(({ oid }) => oid))], ([oid]) => {
      oids.add(oid)
    })
    const small = candidates.filter(({ oid }) => oids.has(oid)).slice(0, MOST_COUNTED)
    if (small.length > 0) {
      await server.ask(countRows(small.map(({ quotedName }) => quotedName)), ([at, rows]) => {
        const counted = small[Number(at)]
        if (counted !== undefined && /^\d{1,15}$/.test(rows ?? ''))
          counted.table = { ...counted.table, rows: Number(rows), exact: true }
      })
    }
  } catch (error) {
    // Safe: locked or gone, its statistics are shown instead. A connection that is lost fails the next question too.
    if (!(error instanceof QuestionRefused)) throw error
  }
  await server.ask(END_LOOK)
}

function notesOn(
  { inTransaction, operations }: Statement,
  relations: readonly Relation[],
): string[] {
  const notes: string[] = []
  if (inTransaction === true)
    notes.push('What the open transaction of the session has changed already is not counted.')
  const changed = new Set(
    operations.filter(({ action }) => action === 'write').map(({ object }) => object.name),
  )
  for (const { table, setsOff } of relations) {
    if (setsOff && changed.has(table.name))
      notes.push(
        `Changes of ${table.name} set off triggers or cascades; the estimate counts none of them.`,
      )
  }
  return notes
}

/** For the approver; the server's own words about the statement are hostile text like the plan. */
function inWords(error: unknown): string {
  if (error instanceof QuestionRefused) {
    if (error.sqlState === '57014') return 'The database took too long.'
    if (error.sqlState === '55P03') return 'A table that it touches is locked.'
    return `The database does not plan it: ${error.said.replaceAll(/\s+/g, ' ').slice(0, 200)}`
  }
  // A bug is not passed over.
  if (!isGatewayError(error)) throw error
  return error instanceof UpstreamError
    ? error.message
    : 'The answer of the database cannot be read.'
}
