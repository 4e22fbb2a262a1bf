// A session on a real server that runs statements in transactions it rolls back, and tells what each did: by locks,
// counters, a transaction's number, the parse tree that the server itself made, and by trying it read-only.
import type { Client } from 'pg'
import { objectName, type Relation } from './facts.ts'

/** What the parse tree says is wanted of a relation. Numbers of columns; 0 is the whole row. */
export interface Wanted {
  readonly relation: number
  readonly selected: readonly number[]
  readonly inserted: readonly number[]
  readonly updated: readonly number[]
}

export interface Account {
  /** The server's error, when it did not run to its end. */
  readonly refused?: { readonly code: string; readonly message: string }
  /** SQLSTATE when it is run in a read-only transaction; undefined when it passes there. */
  readonly readOnly: string | undefined
  readonly locks: readonly (readonly [relation: number, mode: string])[]
  /** Relations of which rows were made, changed or removed. */
  readonly changed: readonly number[]
  /** True when the transaction was given a number: something was written, or row locks taken. */
  readonly wrote: boolean
  readonly advisory: boolean
  /** Functions of users that ran. */
  readonly ran: readonly string[]
  readonly wanted: readonly Wanted[]
  /** Relations that were made. */
  readonly made: ReadonlyMap<number, Relation>
  readonly settings: readonly string[]
  readonly prepared: readonly string[]
  readonly cursors: readonly string[]
  readonly channels: boolean
  /** False when it ended our transaction: what it did stays. */
  readonly undone: boolean
}

interface Told {
  readonly locks: [number, string][] | null
  readonly began: string
  readonly wrote: boolean
  readonly advisory: boolean
  readonly changed: number[] | null
  readonly ran: string[] | null
  readonly settings: Record<string, string> | null
  readonly role: string
  readonly prepared: string[] | null
  readonly cursors: string[] | null
  readonly channels: string[] | null
  readonly relations: [number, string, string, string][] | null
}

/** What our own asking sets. */
const OWN_SETTINGS =
  'set client_min_messages = log; set debug_pretty_print = off; set debug_print_parse = on'

export class Witness {
  readonly #client: Client
  readonly #trees: string[] = []
  readonly #session: readonly string[]
  #before: Told | undefined
  #names: string | undefined

  /** `session`: what makes the names that a session starts with. */
  constructor(client: Client, session: readonly string[]) {
    this.#client = client
    this.#session = session
    client.on('notice', notice => {
      if (notice.message?.startsWith('parse tree') === true) this.#trees.push(notice.detail ?? '')
    })
  }

  async run(text: string): Promise<Account> {
    const client = this.#client
    this.#before ??= await this.#quiet()
    const readOnly = await this.#fails(`begin read only`, text)
    await client.query(`begin; ${OWN_SETTINGS.replaceAll('set ', 'set local ')}`)
    const began = (
      (await client.query('select extract(epoch from now())::text as began')).rows as {
        began: string
      }[]
    )[0]
    this.#trees.length = 0
    const refused = await client.query(text).then(
      () => undefined,
      (error: { code?: string; message: string }) => ({
        code: error.code ?? '',
        message: error.message,
      }),
    )
    const trees = this.#trees.splice(0)
    if (refused !== undefined) {
      await this.#end()
      return { ...NOTHING, refused, readOnly }
    }
    const told = await this.#tell()
    const undone =
      (await client.query('select extract(epoch from now())::text as began')).rows[0]?.began ===
      began?.began
    await this.#end()
    return { ...accountOf(this.#before, told), wanted: trees.flatMap(wantedIn), readOnly, undone }
  }

  /** Runs it for good. False when the server refuses. */
  async keep(text: string): Promise<boolean> {
    const done = await this.#client.query(text).then(
      () => true,
      () => false, // as it would anybody's
    )
    this.#before = undefined
    this.#names = undefined
    return done
  }

  async #fails(begin: string, text: string): Promise<string | undefined> {
    await this.#client.query(begin)
    const code = await this.#client.query(text).then(
      () => undefined,
      (error: { code?: string }) => error.code ?? 'unknown',
    )
    await this.#end()
    return code
  }

  /** What the session is like when nothing has run. */
  async #quiet(): Promise<Told> {
    await this.#client.query(`begin; ${OWN_SETTINGS.replaceAll('set ', 'set local ')}`)
    const told = await this.#tell()
    await this.#end()
    return told
  }

  async #tell(): Promise<Told> {
    // Whatever it has set, we must still be able to ask.
    const answer = await this.#client.query('select witness.tell() as told')
    return (answer.rows as { told: Told }[])[0]?.told as Told
  }

  /** Undoes what a transaction undoes, and what it does not: names, advisory locks, counters not yet handed on. */
  async #end(): Promise<void> {
    await this.#client.query('rollback')
    const left = (await this.#client.query(LEFT_BEHIND)).rows[0] as { names: string }
    this.#names ??= left.names
    if (left.names === this.#names) return
    await this.#client.query('deallocate all; close all')
    for (const text of this.#session) await this.#client.query(text)
  }
}

const LEFT_BEHIND = `select pg_stat_force_next_flush(), pg_advisory_unlock_all(),
  (select coalesce(string_agg(name, ',' order by name), '') from pg_prepared_statement() where from_sql) ||
  ';' || (select coalesce(string_agg(name, ',' order by name), '') from pg_cursor() where name <> '') as names`

const NOTHING: Omit<Account, 'readOnly'> = {
  locks: [],
  changed: [],
  wrote: false,
  advisory: false,
  ran: [],
  wanted: [],
  made: new Map(),
  settings: [],
  prepared: [],
  cursors: [],
  channels: false,
  undone: true,
}

function accountOf(before: Told, told: Told): Omit<Account, 'readOnly' | 'wanted' | 'undone'> {
  const known = new Set((before.locks ?? []).map(([relation]) => relation))
  const made = new Map(
    (told.relations ?? []).map(([oid, schema, name, kind]) => [
      oid,
      { oid, schema, name, kind, object: objectName(schema, name) },
    ]),
  )
  return {
    locks: (told.locks ?? []).filter(([relation]) => !known.has(relation)),
    changed: told.changed ?? [],
    wrote: told.wrote,
    advisory: told.advisory && !before.advisory,
    ran: told.ran ?? [],
    made,
    settings: [
      ...differing(before.settings ?? {}, told.settings ?? {}),
      ...(before.role === told.role ? [] : ['role']),
    ],
    prepared: changedNames(before.prepared, told.prepared),
    cursors: changedNames(before.cursors, told.cursors),
    channels: (told.channels ?? []).length > (before.channels ?? []).length,
  }
}

function differing(one: Record<string, string>, other: Record<string, string>): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    name => one[name] !== other[name],
  )
}

function changedNames(before: string[] | null, after: string[] | null): string[] {
  const [one, other] = [before ?? [], after ?? []]
  return [
    ...one.filter(name => !other.includes(name)),
    ...other.filter(name => !one.includes(name)),
  ]
}

/** FirstLowInvalidHeapAttributeNumber: sets of columns begin at the lowest system column. */
const LOWEST = -7
const numbers = (set: string | undefined): number[] =>
  (set ?? '')
    .split(' ')
    .filter(Boolean)
    .map(bit => Number(bit) + LOWEST)

/** Of servers 16 and later, and of earlier ones, where it stood in the range table's entry. */
const PERMISSIONS =
  /(?:\{RTEPERMISSIONINFO :relid (\d+)|:rtekind 0 :relid (\d+))(?:(?!:relid \d).)*? :requiredPerms (\d+) :checkAsUser \d+ :selectedCols \(b([ \d]*)\) :insertedCols \(b([ \d]*)\) :updatedCols \(b([ \d]*)\)/gs

function wantedIn(tree: string): Wanted[] {
  return [...tree.matchAll(PERMISSIONS)]
    .filter(found => found[3] !== '0')
    .map(found => ({
      relation: Number(found[1] ?? found[2]),
      selected: numbers(found[4]),
      inserted: numbers(found[5]),
      updated: numbers(found[6]),
    }))
}
