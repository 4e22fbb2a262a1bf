// What a held write would do, for whoever approves it: the object as it is, and as the API server says that it would be, by its
// own dry run (https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run). Nothing is kept of it there.
import { namesThingsOnly } from '#engines/kubernetes-answers'
import type { Session, UpstreamAccess } from '#gateway'
import { type Preview, UpstreamError } from '#model'
import type { Upstreams } from '#proxy'
import { Fields, type UpstreamOrigin } from '#transport/http'
import { type Changes, changesOf, untold } from './changes.ts'
import { type ClusterParts, clusterCredential } from './credential.ts'
import { OWN_GROUPS } from './own-groups.ts'
import { hidingOf, maskedTwin } from './preview-hiding.ts'
import type { KubernetesSettings } from './settings.ts'

const PREVIEWED = ['create', 'update', 'patch', 'delete'] as const

export interface AskedWrite {
  readonly verb: (typeof PREVIEWED)[number]
  readonly method: string
  /** As the API server sees it. */
  readonly path: string
  readonly query: string | undefined
  readonly contentType: string | undefined
  readonly body: Uint8Array | undefined
  readonly group: string
  readonly version: string
  readonly resource: string
}

export function isPreviewed(verb: string): verb is AskedWrite['verb'] {
  return (PREVIEWED as readonly string[]).includes(verb)
}

const MOST_ANSWER = 4 * 1_024 * 1_024
interface Asked {
  readonly status: number
  readonly body: unknown
  readonly bytes: Buffer
}

type Place = Pick<
  Session<KubernetesSettings>,
  'id' | 'principal' | 'resource' | 'dataClasses' | 'entireMasker'
>

/** Throws UpstreamError when the cluster cannot be asked. */
export async function previewWrite(
  write: AskedWrite,
  session: Place,
  access: UpstreamAccess,
  { upstreams, plugins }: ClusterParts,
): Promise<Preview> {
  const { id, principal, resource } = session
  const credential = (): ReturnType<UpstreamAccess['credential']> => access.credential()
  const { injected } = await clusterCredential({ id, principal, resource, credential }, plugins)
  const ask = asker(session, injected, access.signal, upstreams)
  if (!(await dryRunIsHonoured(write, ask)))
    return unavailable(
      'An API of its own serves these objects: whether its dry run keeps nothing, nobody here knows.',
    )
  const twin = (bytes: Buffer): unknown => readJson(maskedTwin(write, session, bytes))
  const before = write.verb === 'create' ? undefined : await ask('GET', write.path)
  if (before !== undefined && before.status !== 200 && before.status !== 404)
    return unavailable(`The cluster answered ${before.status}${wordsOf(twin(before.bytes))}`)
  const now = before?.status === 200 ? shownOf(before, twin) : undefined
  const dryRun = dryRunOf(write)
  if (dryRun === undefined) return unavailable('Its options cannot be read here.')
  const dry = await ask(write.method, write.path, dryRun)
  const hiding = hidingOf(write, session.dataClasses)
  if (dry.status >= 300) {
    // API servers quote the whole object that a patch does not fit.
    const { reason } = mapOf(dry.body)
    const told = hiding === undefined || namesThingsOnly(typeof reason === 'string' ? reason : '')
    const words = told ? wordsOf(twin(dry.bytes)) : ''
    return unavailable(`The cluster would refuse it: ${dry.status}${words}`)
  }
  const then = write.verb === 'delete' ? undefined : shownOf(dry, twin)
  return previewOf(changesOf(now, then, hiding))
}

function shownOf({ body, bytes }: Asked, twin: (bytes: Buffer) => unknown): unknown {
  return untold(body, twin(bytes))
}

function previewOf({ lines, more }: Changes): Preview {
  const notes = [
    ...(more === 0 ? [] : [`${more} more changes are not shown.`]),
    ...(lines.length === 0 ? ['Nothing would change.'] : []),
  ]
  const changes = lines.length === 0 ? {} : { changes: lines.join('\n') }
  return { tables: [], notes, ...changes }
}

interface AskedMore {
  readonly query?: string | undefined
  readonly contentType?: string | undefined
  readonly body?: Uint8Array | undefined
}

type Ask = (method: string, path: string, more?: AskedMore) => Promise<Asked>

function asker(
  { resource }: Place,
  injected: {
    readonly fields: readonly (readonly [string, string])[]
    readonly origin: UpstreamOrigin
  },
  signal: AbortSignal,
  upstreams: Upstreams,
): Ask {
  const { host, pathname } = new URL(resource.upstream.server)
  const upstream = upstreams.of(resource.name, injected.origin)
  return async (method, path, { query, contentType, body } = {}) => {
    const length = body?.length ?? 0
    const call = await upstream.open({
      method,
      target: `${pathname.replace(/\/$/, '')}${path}${query === undefined ? '' : `?${query}`}`,
      authority: host,
      fields: Fields.of(
        ['accept', 'application/json'],
        ['accept-encoding', 'identity'],
        ['user-agent', 'sallyport'],
        ...(contentType === undefined ? [] : [['content-type', contentType] as const]),
        ...injected.fields,
      ),
      body: body === undefined ? { kind: 'none' } : { kind: 'length', length },
      signal,
    })
    if (body !== undefined) {
      call.body.write(body)
      call.body.end()
    }
    const response = await call.response
    const { bytes } = await response.body.collect(MOST_ANSWER, () => tooLong())
    return { status: response.head.status, body: readJson(bytes), bytes }
  }
}

/** Another API server may stand behind a group: the cluster's own list of them tells. */
async function dryRunIsHonoured({ group, version }: AskedWrite, ask: Ask): Promise<boolean> {
  if (OWN_GROUPS.has(group)) return true
  const { status, body } = await ask(
    'GET',
    `/apis/apiregistration.k8s.io/v1/apiservices/${version}.${group}`,
  )
  const { kind, spec } = mapOf(body)
  return status === 200 && kind === 'APIService' && mapOf(spec)['service'] === undefined
}

/** The same for show. Undefined: it cannot be said. */
function dryRunOf(write: AskedWrite): AskedMore | undefined {
  const query = withDryRun(write.query)
  const { contentType, body } = write
  if (write.verb !== 'delete') return { query, contentType, body }
  // The API server reads the options of a deletion from its body, where there is one, and then not from the query.
  const options = body === undefined || body.length === 0 ? {} : readJson(Buffer.from(body))
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return undefined
  const shown = { kind: 'DeleteOptions', apiVersion: 'v1', ...options, dryRun: ['All'] }
  return { query, contentType: 'application/json', body: Buffer.from(JSON.stringify(shown)) }
}

function withDryRun(query: string | undefined): string {
  const rest = (query ?? '').split('&').filter(each => each !== '' && !/^dryrun=/i.test(each))
  return [...rest, 'dryRun=All'].join('&')
}

function wordsOf(body: unknown): string {
  const { message } = mapOf(body)
  return typeof message === 'string' ? ` (${message.slice(0, 500)})` : ''
}

function unavailable(why: string): Preview {
  return { tables: [], unavailable: why, notes: [] }
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    // Safe: what is not read is not shown.
    return undefined
  }
}

function tooLong(): UpstreamError {
  return new UpstreamError('upstream_refused', 'the object is too long to be looked at')
}
