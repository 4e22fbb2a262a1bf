// One session's way to its cluster: how its requests are read, where they go, and as whom.
import {
  forwardedBody,
  portStatement,
  type RequestInfo,
  readsBody,
  requestInfo,
} from '#engines/kubernetes'
import { tableRule } from '#engines/kubernetes-answers'
import type { Session, UpstreamAccess, Waiting } from '#gateway'
import { type DataClass, isGatewayError, type Statement, UpstreamError } from '#model'
import {
  type Access,
  type AskedAnswer,
  KeptCredential,
  type ReadAnswer,
  type ReadBody,
  type ReadRefusal,
  type RequestReader,
  type TunnelParts,
  type Way,
} from '#proxy'
import type { Exchange, Fields, RequestHead, ResponseHead } from '#transport/http'
import { isPlainJson, readAnswer, readable } from './answers.ts'
import { ownPath, pathThere } from './cluster-path.ts'
import { type ClusterParts, clusterCredential } from './credential.ts'
import { statusObject } from './denial.ts'
import { hiddenUses } from './hidden-uses.ts'
import { isPreviewed, previewWrite } from './preview.ts'
import { credentialRefused } from './refused-credential.ts'
import type { KubernetesSettings } from './settings.ts'
import { readStatement } from './statement.ts'
import { podStreams, servePodStreams, streamFields } from './streams/pod-streams.ts'
import { refuseInStreams } from './streams/refused.ts'

/** The object itself, and those of its parts that are written as it is. */
const PREVIEWED_PARTS: ReadonlySet<string> = new Set(['', 'scale', 'status'])

export class ClusterAccess implements Access {
  readonly credential: KeptCredential
  readonly unreadable = 'refuse'
  readonly #session: Session<KubernetesSettings>
  readonly #parts: ClusterParts
  #read:
    | {
        readonly of: readonly DataClass[]
        reader: RequestReader
        tables: ReturnType<typeof tableRule>
      }
    | undefined
  #way: { readonly of: KubernetesSettings; readonly way: Way } | undefined

  constructor(session: Session<KubernetesSettings>, parts: ClusterParts) {
    this.#session = session
    this.#parts = parts
    this.credential = new KeptCredential(() => clusterCredential(session, parts.plugins))
  }

  /** Another one for other data classes: what a request asks of the cluster stands on them. */
  get reader(): RequestReader {
    return this.#reading.reader
  }

  get #reading() {
    const { dataClasses } = this.#session
    if (this.#read?.of !== dataClasses)
      this.#read = {
        of: dataClasses,
        reader: { statement: (request, body) => this.#statement(request, body) },
        tables: tableRule(dataClasses),
      }
    return this.#read
  }

  get body() {
    const { bodyBytes } = this.#session.resource.upstream
    return { most: bodyBytes, longer: 'refuse' } as const
  }

  readers(): Promise<RequestReader> {
    return Promise.resolve(this.reader)
  }

  way(): Way {
    const { name, upstream } = this.#session.resource
    if (this.#way?.of !== upstream) {
      const { origin, host, pathname } = new URL(upstream.server)
      const basePath = pathname.replace(/\/$/, '')
      const way = { origin, authority: host, basePath, ownPath: ownPath(name) }
      this.#way = { of: upstream, way }
    }
    return this.#way.way
  }

  /** Whoever the client says it is besides its proof: the cluster hears it from us alone. */
  fields(fields: Fields, masks: boolean, request: RequestHead): Fields {
    const kept = fields.without(name => name === 'authorization')
    const streams = podStreams(request, this.#path(request))
    if (streams !== undefined) return streamFields(kept, streams)
    return masks ? readable(kept, this.#info(request), this.#reading.tables) : kept
  }

  /** A cluster asks nobody but us for a credential; what stands behind its proxies may, and that is the client's to hear. */
  refusal(request: RequestHead, { status }: ResponseHead): ReadRefusal | undefined {
    if (status !== 401) return undefined
    const info = this.#info(request)
    return info.subresource === 'proxy' ? undefined : start => credentialRefused(info, start)
  }

  answer(asked: AskedAnswer): ReadAnswer {
    return readAnswer(asked, this.#info(asked.request))
  }

  async serveTunnel(parts: TunnelParts): Promise<void> {
    const { request } = parts.exchange
    const path = this.#path(request)
    const streams = podStreams(request, path)
    if (streams === undefined) throw new UpstreamError('upstream_refused', 'nobody asked for it')
    const { method, target, upgrade } = request
    const asked = { method, path, query: target.query, type: undefined, upgrade }
    await servePodStreams(parts, streams, port =>
      portStatement({ ...asked, body: { kind: 'none' } }, port),
    )
  }

  /** A person's no; any other comes again just as well. */
  refused(exchange: Exchange, error: unknown): boolean {
    if (!isGatewayError(error) || error.requestId === undefined) return false
    const { request } = exchange
    const streams = podStreams(request, this.#path(request))
    return streams !== undefined && refuseInStreams(exchange, streams, error)
  }

  /** What is not JSON is judged, shown and sent on as the JSON that it means. */
  sent(request: RequestHead, body: ReadBody): ReadBody {
    const { bytes } = body
    const { fields } = request
    const info = this.#info(request)
    if (bytes === undefined || fields.get('content-encoding') !== undefined || !readsBody(info))
      return body
    const forward = forwardedBody(info.verb, saidOnce(fields, 'content-type'), bytes)
    if (forward === undefined) return body
    return {
      ...body,
      type: forward.type,
      bytes: Buffer.from(forward.bytes),
      release: () => body.release(),
    }
  }

  /** A watch ends with an event that says why: clients read it, and a broken stream they would take for a broken network. */
  farewell(request: RequestHead, answer: ResponseHead, error: Error): Uint8Array | undefined {
    if (this.#info(request).verb !== 'watch' || !isPlainJson(answer)) return undefined
    return Buffer.from(`${JSON.stringify({ type: 'ERROR', object: statusObject(error) })}\n`)
  }

  preview(request: RequestHead, body: ReadBody): Waiting['preview'] | undefined {
    const { id, principal, resource, dataClasses } = this.#session
    const entireMasker: Session['entireMasker'] = of => this.#session.entireMasker(of)
    const { method, target, fields } = request
    const path = pathThere(request, resource.name)
    const { isResource, verb, group, version, subresource, ...info } = this.#info(request)
    if (!isResource || !PREVIEWED_PARTS.has(subresource) || !isPreviewed(verb)) return undefined
    const write = {
      verb,
      method,
      path,
      query: target.query,
      contentType: body.type ?? fields.get('content-type'),
      body: body.bytes,
      group,
      version,
      resource: info.resource,
    }
    return (_, access: UpstreamAccess) =>
      previewWrite(
        write,
        { id, principal, resource, dataClasses, entireMasker },
        access,
        this.#parts,
      )
  }

  #info(request: RequestHead): RequestInfo {
    return requestInfo(request.method, this.#path(request), request.target.query)
  }

  #statement(request: RequestHead, body: ReadBody): Statement {
    const { method, target, fields, upgrade } = request
    const path = this.#path(request)
    // Whatever cannot be followed is refused before anybody is asked.
    podStreams(request, path)
    const type = body.type ?? saidOnce(fields, 'content-type')
    const encoding = saidOnce(fields, 'content-encoding')
    const asked = { method, path, query: target.query, type, encoding, upgrade }
    const statement = readStatement({ ...asked, body: body.asked, bytes: body.bytes })
    return { ...statement, ...hiddenUses(this.#info(request), statement, type, body.bytes) }
  }

  #path(request: RequestHead): string {
    return pathThere(request, this.#session.resource.name)
  }
}

/** All that a field says: two types are none that is served. Undefined: nothing. */
function saidOnce(fields: Fields, name: string): string | undefined {
  const said = fields.all(name)
  return said.length === 0 ? undefined : said.join(', ')
}
