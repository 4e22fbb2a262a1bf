// Lists in pages and watches, in the form that was asked for.
import { isYes, type Json, type KubeObject } from './objects.ts'
import { type Matches, selectorOf } from './selectors.ts'
import { StatusError } from './status.ts'
import type { Change, Store } from './store.ts'
import { type Asked, metadataOf, tableOf } from './tables.ts'
import { apiVersionOf, groupResource, type ResourceType } from './types.ts'

/** What responses of HTTP/1.1 and HTTP/2 have in common. */
export interface Response {
  statusCode: number
  readonly headersSent: boolean
  setHeader(name: string, value: string | number): unknown
  writeHead(status: number): unknown
  flushHeaders?(): void
  write(piece: string | Uint8Array): boolean
  end(piece?: string | Uint8Array): unknown
  destroy(): unknown
  on(event: 'error' | 'close', hear: () => void): unknown
}

/** Sends the head now, so that a client knows that what follows will come. */
export function begin(response: Response, type: string): void {
  response.statusCode = 200
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-cache, private')
  if (response.flushHeaders) response.flushHeaders()
  else response.writeHead(200)
}

export interface ReadOf {
  readonly type: ResourceType
  readonly namespace: string | undefined
  readonly name: string
  readonly query: URLSearchParams
  readonly asked: Asked
}

export function shaped(read: ReadOf, object: KubeObject, revision: string): Json {
  const { asked, type } = read
  if (asked.form === 'metadata') return metadataOf(object, asked.version) as unknown as Json
  if (asked.form === 'object') return object as unknown as Json
  const include = read.query.get('includeObject') ?? 'Metadata'
  return tableOf(type, [object], { asked, include, metadata: { resourceVersion: revision } })
}

export function listed(store: Store, read: ReadOf): Json {
  const { type, query, asked } = read
  const matches = matching(read)
  const limit = Number(query.get('limit') ?? 0)
  const from = query.get('continue')
  const all = store.list(type, type.namespaced ? read.namespace : undefined)
  let start = 0
  if (from) {
    const key = Buffer.from(from, 'base64url').toString('utf8')
    if (!key.startsWith('after:')) throw new StatusError(400, 'continue key is not valid')
    start = all.findIndex(([one]) => one > key.slice(6))
    if (start < 0) start = all.length
  }
  const found: KubeObject[] = []
  let at = start
  for (; at < all.length && (limit === 0 || found.length < limit); at += 1) {
    const object = all[at]?.[1]
    if (object && matches(object)) found.push(object)
  }
  const remaining = all.length - at
  const last = all[at - 1]?.[0] ?? ''
  const metadata: Json = {
    resourceVersion: store.revision,
    ...(remaining > 0
      ? {
          continue: Buffer.from(`after:${last}`).toString('base64url'),
          remainingItemCount: remaining,
        }
      : {}),
  }
  if (asked.form === 'table') {
    const include = query.get('includeObject') ?? 'Metadata'
    return tableOf(type, found, { asked, include, metadata })
  }
  if (asked.form === 'metadata')
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${asked.version}`,
      metadata,
      items: found.map(object => metadataOf(object, asked.version)),
    }
  // The entries of a list do not repeat what they are, as with the server's own kinds.
  const entries = found.map(({ apiVersion: _, kind: __, ...rest }) => rest)
  return { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata, items: entries }
}

function matching(read: ReadOf): Matches {
  const matches = selectorOf(read.query)
  const { name, namespace, type } = read
  return object =>
    (name === '' || object.metadata.name === name) &&
    (namespace === undefined || !type.namespaced || object.metadata.namespace === namespace) &&
    matches(object)
}

export interface WatchTimes {
  /** Between bookmarks, when they were asked for. */
  readonly bookmarkMs: number
}

export function watched(store: Store, read: ReadOf, response: Response, times: WatchTimes): void {
  const { type, query, asked } = read
  const matches = matching(read)
  const include = query.get('includeObject') ?? 'Metadata'
  const since = Number(query.get('resourceVersion') || 0)
  const bookmarks = isYes(query, 'allowWatchBookmarks')
  let columns = true
  const send = (what: string, object: unknown) =>
    response.write(`${JSON.stringify({ type: what, object })}\n`)
  const shape = (object: KubeObject) => {
    if (asked.form !== 'table') return shaped(read, object, store.revision)
    const metadata = { resourceVersion: object.metadata.resourceVersion }
    const table = tableOf(type, [object], { asked, include, metadata, columns })
    columns = false
    return table
  }
  const bookmark = (annotations?: object) => {
    const object = {
      kind: type.kind,
      apiVersion: apiVersionOf(type),
      metadata: {
        resourceVersion: store.revision,
        creationTimestamp: null,
        ...(annotations && { annotations }),
      },
    } as unknown as KubeObject
    send('BOOKMARK', asked.form === 'object' ? object : shape({ ...object, spec: {}, status: {} }))
  }
  const hear = (change: Change) => {
    if (change.kind !== groupResource(type)) return
    const now = matches(change.object)
    const before = change.before !== undefined && matches(change.before)
    if (change.type === 'DELETED' ? before : now)
      send(change.type === 'MODIFIED' && !before ? 'ADDED' : change.type, shape(change.object))
    else if (before) send('DELETED', shape(change.object))
  }
  begin(response, 'application/json')
  const initial = isYes(query, 'sendInitialEvents') || since === 0
  let stop: () => void
  try {
    if (initial) {
      for (const [, object] of store.list(type, type.namespaced ? read.namespace : undefined))
        if (matches(object)) send('ADDED', shape(object))
      if (isYes(query, 'sendInitialEvents') && bookmarks)
        bookmark({ 'k8s.io/initial-events-end': 'true' })
    }
    stop = store.watch(initial ? Number(store.revision) : since, hear)
  } catch (error) {
    // What is gone is told inside of the stream, as the API server does.
    if (!(error instanceof StatusError)) throw error
    send('ERROR', error.status)
    response.end()
    return
  }
  const ticking = bookmarks ? setInterval(() => bookmark(), times.bookmarkMs) : undefined
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const ending = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined
  response.on('close', () => {
    stop()
    clearInterval(ticking)
    clearTimeout(ending)
  })
}
