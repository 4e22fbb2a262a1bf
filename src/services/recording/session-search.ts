// Finds sessions, newest first, by what they are and by what was asked in them. One of the conditions that were given is
// walked along, the one that fewest fit; the others are looked up for each that it gives. No offset, no count of all.
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { InvalidRequest } from '#model'
import { CHUNKS, type RecordingTables } from './tables.ts'

export interface SessionFilter {
  readonly principal?: string | undefined
  /** Who acted for the principal. */
  readonly actor?: string | undefined
  readonly resource?: string | undefined
  /** Of one principal's run. */
  readonly run?: string | undefined
  readonly live?: boolean | undefined
  /** Of one statement: an object it touches, the decision, a class masked in its answer, a part of its text. */
  readonly table?: string | undefined
  readonly decision?: 'permit' | 'held' | 'deny' | undefined
  readonly class?: string | undefined
  readonly text?: string | undefined
  /** Sessions that lived at some time between these, in Unix ms. */
  readonly from?: number | undefined
  readonly until?: number | undefined
  readonly limit: number
  /** Only those that began before this one (an id): the next page. */
  readonly before?: string | undefined
}

/** The index knows three letters at a time. */
export const FEWEST_CHARACTERS = 3
/** From so many on nobody counts: which of two is walked along does not matter. */
const MANY = 20_000
/** So many sessions are looked through for a text; where there may be more, its index is walked along. */
const FEW = 1_000
/** Letters that the index is asked for. */
const WINDOW = 12
const LAST = 2 ** 32
/** A clock that was set back makes so many sessions at most begin in another order than they are numbered in. */
const SLACK = 1_000

type Condition = RawBuilder<unknown>
interface Span {
  readonly from: number
  readonly to: number
}

/** The numbers of the sessions that fit, newest first. */
export async function findSessions(
  store: Kysely<RecordingTables>,
  filter: SessionFilter,
): Promise<readonly number[]> {
  const { from, until, before, limit } = filter
  let to = LAST
  if (before !== undefined) to = (await numberOf(store, before)) - 1
  if (until !== undefined) {
    const last = await edge(store, sql`started_at < ${until} order by started_at desc, no desc`)
    to = last === undefined ? 0 : Math.min(to, last + SLACK)
  }
  let first = 1
  if (from !== undefined) {
    const found = await edge(store, sql`started_at >= ${from} order by started_at, no`)
    first = found === undefined ? LAST : Math.max(1, found - SLACK)
  }
  const found =
    to < first ? [] : [...(await walk(store, filter, { from: first, to }, limit, false))]
  // Those that began earlier, and lived on.
  if (from !== undefined && found.length < limit) {
    const span = { from: 1, to: Math.min(to, first - 1) }
    if (span.to >= 1) found.push(...(await walk(store, filter, span, limit - found.length, true)))
  }
  return found
}

async function numberOf(store: Kysely<RecordingTables>, id: string): Promise<number> {
  const row = await store
    .selectFrom('recording_sessions')
    .select('no')
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined)
    throw new InvalidRequest('request_unknown', `There is no session ${id.slice(0, 40)}.`)
  return Number(row.no)
}

async function edge(store: Kysely<RecordingTables>, where: Condition): Promise<number | undefined> {
  const { rows } = await sql<{ no: number }>`
    select no from recording_sessions where ${where} limit 1`.execute(store)
  return rows[0] === undefined ? undefined : Number(rows[0].no)
}

/** `early`: those that began before what was asked for, and lived on: few of them did. */
async function walk(
  store: Kysely<RecordingTables>,
  filter: SessionFilter,
  span: Span,
  limit: number,
  early: boolean,
): Promise<readonly number[]> {
  const terms = termsOf(filter, early)
  const ways = waysOf(terms, span)
  // A text is never counted: that is as much work as to walk along it.
  const enough = terms.text === undefined ? MANY : FEW
  let best: Pick<Way, 'walk'> | undefined =
    terms.text === undefined ? ways[0] : textWay(terms.text, terms, span)
  if (ways.length > (terms.text === undefined ? 1 : 0)) {
    let fewest = enough
    for (const way of ways) {
      const { rows } = await sql<{ fit: number }>`
        select count(*) as fit from (${way.fits} limit ${enough})`.execute(store)
      const fit = Number(rows[0]?.fit)
      if (fit === 0) return []
      if (fit < fewest) best = way
      fewest = Math.min(fewest, fit)
    }
  }
  const query = best?.walk ?? everySession(terms, span)
  const { rows } = await sql<{ no: number }>`${query} limit ${limit}`.execute(store)
  return rows.map(({ no }) => Number(no))
}

/** One condition, to be walked along. */
interface Way {
  /** All that fit it, whatever the others say: counted up to a bound. */
  readonly fits: Condition
  /** The sessions that fit it and the others, newest first. */
  readonly walk: Condition
}

function waysOf(terms: Terms, span: Span): readonly Way[] {
  return [
    ...terms.facts.map((_, which) => factWay(terms, which, span)),
    ...terms.session.flatMap((term, which) =>
      term.walked === undefined
        ? []
        : [
            {
              fits: sql`select 1 from recording_sessions s where ${term.walked} and ${within('s.no', span)}`,
              walk: everySession(terms, span, which),
            },
          ],
    ),
  ]
}

interface Terms {
  /** `walked`: as an index answers it; `asked`: as it is asked of one session, where no index is to be chosen. */
  readonly session: readonly { readonly walked?: Condition; readonly asked: Condition }[]
  readonly facts: readonly (readonly [kind: string, value: string])[]
  readonly text: string | undefined
}

function termsOf(filter: SessionFilter, early: boolean): Terms {
  const { principal, actor, resource, run, live, from } = filter
  const equal = (column: string, value: string) => ({
    walked: sql`${sql.raw(column)} = ${value}`,
    asked: sql`${sql.raw(column)} || '' = ${value}`,
  })
  const facts: (readonly [string, string | undefined])[] = [
    ['table', filter.table],
    ['class', filter.class],
    ['decision', filter.decision],
  ]
  return {
    session: [
      ...(principal === undefined || run !== undefined ? [] : [equal('s.principal', principal)]),
      ...(run === undefined ? [] : [ofRun(principal, run)]),
      ...(resource === undefined ? [] : [equal('s.resource', resource)]),
      ...(live === true
        ? [{ walked: sql`s.ended_at is null`, asked: sql`coalesce(s.ended_at, 0) = 0` }]
        : []),
      ...(from === undefined
        ? []
        : [
            {
              ...(early ? { walked: sql`(s.ended_at is null or s.ended_at >= ${from})` } : {}),
              asked: sql`coalesce(s.ended_at, ${from}) >= ${from}`,
            },
          ]),
      ...(live === false ? [{ asked: sql`s.ended_at is not null` }] : []),
      ...(actor === undefined ? [] : [{ asked: sql`s.actor || '' = ${actor}` }]),
      ...(filter.until === undefined ? [] : [{ asked: sql`s.started_at + 0 < ${filter.until}` }]),
    ],
    facts: facts.flatMap(([kind, value]) =>
      value === undefined ? [] : ([[kind, value]] as const),
    ),
    text: filter.text,
  }
}

/** Both in one: an index knows them together. */
function ofRun(principal: string | undefined, run: string): Terms['session'][number] {
  if (principal === undefined) return { asked: sql`s.run || '' = ${run}` }
  return {
    walked: sql`s.principal = ${principal} and s.run = ${run}`,
    asked: sql`s.principal || '' = ${principal} and s.run || '' = ${run}`,
  }
}

/** `along`: the condition on sessions that an index is to answer. */
function everySession(terms: Terms, span: Span, along?: number): Condition {
  return sql`select s.no from recording_sessions s where ${all([
    within('s.no', span),
    ...terms.session.map(({ walked, asked }, at) => (at === along ? (walked ?? asked) : asked)),
    ...statementOf(terms, 's.no'),
  ])} order by s.no desc`
}

function factWay(terms: Terms, which: number, span: Span): Way {
  const one = terms.facts[which]
  const others = terms.facts.filter((_, at) => at !== which)
  const own = all([fact('a', one), within('a.no', span)])
  return {
    fits: sql`select 1 from recording_facts a where ${own}`,
    walk: sql`select a.no from recording_facts a cross join recording_sessions s on s.no = a.no where ${all(
      [
        own,
        ...asked(terms),
        ...others.map(other => sameShape(other, 'a.no', 'a.shape')),
        ...textIn(terms.text, 'a.no', 'a.shape'),
      ],
    )} group by a.no order by a.no desc`,
  }
}

function textWay(text: string, terms: Terms, span: Span): Pick<Way, 'walk'> {
  const rows = sql`recording_texts match ${phrase(text)} and recording_texts.rowid between ${span.from * CHUNKS} and ${(span.to + 1) * CHUNKS - 1}`
  const no = `(recording_texts.rowid / ${CHUNKS})`
  return {
    walk: sql`select distinct ${sql.raw(no)} as no
      from recording_texts cross join recording_sessions s on s.no = ${sql.raw(no)} where ${all([
        rows,
        holds(text),
        ...asked(terms),
        ...terms.facts.map(each => sameShape(each, no, 'recording_texts.shape')),
      ])} order by recording_texts.rowid desc`,
  }
}

/** That there is a statement in the session for which all of it is true. */
function statementOf({ facts, text }: Terms, no: string): readonly Condition[] {
  const [first, ...others] = facts
  if (first === undefined) return textIn(text, no)
  return [
    sql`exists (select 1 from recording_facts a where ${all([
      fact('a', first),
      sql`a.no = ${sql.raw(no)}`,
      ...others.map(other => sameShape(other, no, 'a.shape')),
      ...textIn(text, no, 'a.shape'),
    ])})`,
  ]
}

function sameShape(one: Terms['facts'][number], no: string, shape: string): Condition {
  return sql`exists (select 1 from recording_facts b where ${fact('b', one)} and b.no = ${sql.raw(no)} and b.shape = ${sql.raw(shape)})`
}

function textIn(text: string | undefined, no: string, shape?: string): readonly Condition[] {
  if (text === undefined) return []
  const rows = sql`rowid >= ${sql.raw(no)} * ${sql.raw(String(CHUNKS))} and rowid < (${sql.raw(no)} + 1) * ${sql.raw(String(CHUNKS))}`
  const same = shape === undefined ? [] : [sql`recording_texts.shape = ${sql.raw(shape)}`]
  return [sql`exists (select 1 from recording_texts where ${all([rows, ...same, holds(text)])})`]
}

function asked(terms: Terms): readonly Condition[] {
  return terms.session.map(each => each.asked)
}

function fact(name: string, one: Terms['facts'][number] | undefined): Condition {
  const column = (which: string) => sql.raw(`${name}.${which}`)
  return sql`${column('kind')} = ${one?.[0]} and ${column('value')} = ${one?.[1]}`
}

function within(no: string, { from, to }: Span): Condition {
  return sql`${sql.raw(no)} between ${from} and ${to}`
}

function all(conditions: readonly Condition[]): Condition {
  return sql.join(conditions, sql` and `)
}

/** A to Z in either case. The index alone would take other letters for each other too, and differ from what is looked up. */
function holds(text: string): Condition {
  return sql`instr(lower(recording_texts.text), lower(${text})) > 0`
}

/**
 * FTS5: a string in quotes is letters, not operators. Of a long text the part that fewest others are likely to have: each letter
 * more is more to read, and the whole is looked for in what that part is in.
 */
function phrase(text: string): string {
  const letters = [...text]
  let best = 0
  let most = -1
  const rare = letters.map(rarity)
  for (let at = 0; at + WINDOW <= letters.length; at++) {
    const sum = rare.slice(at, at + WINDOW).reduce((one, other) => one + other)
    if (sum > most) best = at
    most = Math.max(most, sum)
  }
  const part = letters.slice(best, best + WINDOW).join('')
  return `"${part.replaceAll('"', '""')}"`
}

function rarity(letter: string): number {
  if (/[etaoinsrl ]/i.test(letter)) return 0
  return /[a-z,.()=_]/i.test(letter) ? 1 : 3
}
