// Reads a catalog snapshot over a connection of our own: the same login as a session's, read-only, closed at
// the end. Rows are taken one by one, so that the largest catalog costs its snapshot and little more.
import type { Socket } from 'node:net'
import { ByteReader, int32At, typedFrames, utf8 } from '#engines/wire'
import { type GatewayError, UpstreamError } from '#model'
import {
  BEGIN,
  END,
  FUNCTIONS,
  GENERATED,
  NAMED_TYPES,
  PARENTS,
  READERS,
  RELATIONS,
  SCHEMAS,
  SESSION,
  TYPES,
  VIEW_DEPENDENCIES,
  VIEW_RULES,
} from './catalog-queries.ts'
import { CatalogSnapshot, type RelationRow, type ViewRow } from './catalog-snapshot.ts'
import { LoginReader } from './login-reader.ts'
import { B, query } from './messages.ts'
import { searchPathOf } from './startup-parameters.ts'
import { type TypeRow, textForms } from './type-forms.ts'
import { sayGoodbye, type UpstreamLogin } from './upstream.ts'
import { fieldsOf } from './upstream-refusal.ts'
import { readGenerated, readViewColumns, type ViewColumns } from './view-columns.ts'

/** A relation has at most 1,600 columns; a view's rule is capped in the query. */
const MAX_ROW_BYTES = 4 * 1024 * 1024
const MAX_ROWS = 500_000
const READ_MS = 90_000
/** Of one reading: a hundred thousand relations of a hundred columns stay below it. */
const MAX_BYTES = 512 * 1024 * 1024
/** Objects below this number came with the server (FirstNormalObjectId). */
const FIRST_USER_OID = 16_384

/** Takes the connection and closes it. Throws UpstreamError, ProtocolError. */
export async function readCatalog(
  login: UpstreamLogin,
  mostBytes: number = MAX_BYTES,
): Promise<CatalogSnapshot> {
  const connection = new Questions(login, mostBytes)
  const deadline = setTimeout(() => connection.timeOut(), READ_MS)
  try {
    return await readSnapshot(connection)
  } finally {
    clearTimeout(deadline)
    connection.close()
  }
}

async function readSnapshot(connection: Questions): Promise<CatalogSnapshot> {
  let searchPath: readonly string[] = []
  let user = ''
  await connection.ask(SESSION, ([path, name]) => {
    searchPath = searchPathOf(path ?? '') ?? []
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
    const list = parents.get(Number(child))
    if (list === undefined) parents.set(Number(child), [Number(parent)])
    else list.push(Number(parent))
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
  const rules = new Map<number, ViewColumns | undefined>()
  const isOpaque = (oid: number) => oid >= FIRST_USER_OID || readers.has(oid)
  await connection.ask(VIEW_RULES, ([oid, tree]) => {
    rules.set(Number(oid), readViewColumns(tree ?? '', isOpaque))
  })
  const views = new Map<number, ViewRow>()
  for (const [oid, columns] of rules) views.set(oid, { columns, dependencies: '' })
  await connection.ask(VIEW_DEPENDENCIES, ([oid, dependencies]) => {
    views.set(Number(oid), { columns: rules.get(Number(oid)), dependencies: dependencies ?? '' })
  })

  const generated = new Map<string, readonly number[] | 'all'>()
  await connection.ask(GENERATED, ([oid, attnum, tree]) => {
    generated.set(`${oid} ${attnum}`, tree == null ? 'all' : readGenerated(tree, isOpaque))
  })

  const functions = new Map<string, Set<string>>()
  await connection.ask(FUNCTIONS, ([schema, name]) => {
    const found = functions.get(name ?? '')
    if (found === undefined) functions.set(name ?? '', new Set([schema ?? '']))
    else found.add(schema ?? '')
  })
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
    functions,
    namedTypes,
    usable,
    searchPath,
    user,
  })
}

type Row = readonly (string | null)[]

/** Simple queries on a connection that nobody else uses. */
class Questions {
  readonly #socket: Socket
  readonly #reader: LoginReader
  #bytesLeft: number

  constructor(login: UpstreamLogin, mostBytes: number) {
    this.#bytesLeft = mostBytes
    this.#socket = login.socket
    if (login.rest.length > 0) this.#socket.unshift(login.rest)
    this.#reader = new LoginReader(login.socket)
  }

  timeOut(): void {
    this.#reader.fail(new UpstreamError('upstream_lost', 'reading the catalog took too long'))
  }

  close(): void {
    this.#reader.detach()
    sayGoodbye(this.#socket)
  }

  async ask(text: string, onRow: (row: Row) => void): Promise<void> {
    this.#socket.write(query(text))
    let failure: GatewayError | undefined
    let rows = 0
    for (;;) {
      const frame = await this.#reader.frame(typedFrames, MAX_ROW_BYTES)
      switch (frame[0]) {
        case B.dataRow:
          rows += 1
          this.#bytesLeft -= frame.length
          if (rows > MAX_ROWS || this.#bytesLeft < 0)
            throw new UpstreamError('upstream_refused', 'the catalog is too large')
          onRow(readRow(frame))
          break
        case B.errorResponse: {
          const fields = fieldsOf(new ByteReader(frame, 5))
          failure = new UpstreamError(
            'upstream_refused',
            'the database refused a question about its catalog',
            {
              cause: new Error(`${fields.get('C')}: ${fields.get('M')}`),
            },
          )
          break
        }
        case B.readyForQuery:
          if (failure !== undefined) throw failure
          return
        default: // RowDescription, CommandComplete, notices, statuses: nothing that we need
      }
    }
  }
}

function readRow(frame: Uint8Array): Row {
  const reader = new ByteReader(frame, 5)
  const row: (string | null)[] = []
  for (let left = reader.uint16(); left > 0; left -= 1) {
    const length = int32At(reader.bytes(4), 0)
    row.push(length === -1 ? null : utf8(reader.bytes(length)))
  }
  reader.expectEnd()
  return row
}
