// Header fields on their way through: what is ours stays here, what would lead around us is taken out, what the upstream
// must see of us is put in. Both directions.
import { maskedHead, unmaskableRequest } from '#engines/bodies'
import { withoutWait } from '#engines/http'
import {
  type Field,
  Fields,
  type ForwardedBy,
  forwardable,
  looseName,
  type RequestHead,
  type ResponseHead,
  returnable,
} from '#transport/http'
import { isClaimed } from './claimed-fields.ts'
import type { Way } from './dialect.ts'
import { isCondition, openedCondition, sealedTag, type TagPlace } from './entity-tags.ts'

export interface RequestFieldsParts {
  readonly carrier: string | undefined
  /** The upstream's credential, as fields: they win over the client's of the same name. */
  readonly injected: readonly (readonly [string, string])[]
  /** Answers must be readable: nothing encoded, nothing in parts. */
  readonly plain: boolean
  readonly place: TagPlace
  readonly by: ForwardedBy
}

/** What goes upstream of a client's fields. */
export function requestFields(
  request: RequestHead,
  { carrier, injected, plain, place, by }: RequestFieldsParts,
): Fields {
  const { fields, upgrade } = request
  const ours = new Set(injected.map(([name]) => looseName(name)))
  const kept = forwardable(request, by).without(name => {
    const loose = looseName(name)
    return (
      loose === carrier ||
      ours.has(loose) ||
      isClaimed(loose) ||
      (plain && (unmaskableRequest.has(loose) || loose === 'accept-encoding')) ||
      (upgrade !== undefined && loose === 'sec-websocket-extensions')
    )
  })
  const added = [...injected.flat(), 'via', '1.1 sallyport']
  // Trailers are how some calls end (gRPC): whoever takes them says so on each hop.
  if (fields.list('te').some(each => each.toLowerCase() === 'trailers'))
    added.push('te', 'trailers')
  if (plain) added.push('accept-encoding', 'identity')
  const asked = conditional(kept, place, plain)
  return new Fields([...(asked.has('prefer') ? preferred(asked) : asked).flat, ...added])
}

function conditional(fields: Fields, place: TagPlace, masks: boolean): Fields {
  const { flat } = fields
  let some = false
  for (let at = 0; at < flat.length && !some; at += 2) some = isCondition(looseName(flat[at]!))
  if (!some) return fields
  return Fields.of(
    ...[...fields].map(([name, value]): Field => {
      const loose = looseName(name)
      return [name, isCondition(loose) ? openedCondition(loose, value, place, masks) : value]
    }),
  )
}

/** How long somebody waits for a person is said to us. */
function preferred(fields: Fields): Fields {
  return Fields.of(
    ...[...fields]
      .map(([name, value]) => [name, name === 'prefer' ? withoutWait(value) : value] as const)
      .filter(([name, value]) => name !== 'prefer' || value !== ''),
  )
}

/**
 * What goes upstream of the fields behind a body that is passed on unread: none that would not go on in its head. (Those behind a body
 * that was read were not judged, and stay here.)
 */
export function requestTrailers(
  trailers: Fields,
  { carrier, injected }: Pick<RequestFieldsParts, 'carrier' | 'injected'>,
): Fields {
  const ours = new Set(injected.map(([name]) => looseName(name)))
  return forwardable({ fields: trailers }).without(name => {
    const loose = looseName(name)
    return loose === carrier || ours.has(loose) || isClaimed(loose)
  })
}

export interface ResponseFieldsParts {
  /** Its body is masked, or would be. */
  readonly masked: boolean
  /** Its body is masked: the next time somebody else may be asking, or rules may have changed. */
  readonly hidden: boolean
  /** Where its entity tag counts; undefined: it goes on as it is. */
  readonly tagged: TagPlace | undefined
  /** What the masked body is. */
  readonly contentType: string | undefined
  /** Our own address as the client wrote it; undefined: it named no host. */
  readonly own: string | undefined
  readonly way: Pick<Way, 'origin' | 'basePath' | 'ownPath'>
  /** The client brought a credential of its own for the upstream: its challenges are the client's. */
  readonly challenges: boolean
  /** Takes out of a value what the principal may not see, and our credential. */
  readonly scrub: (value: string) => string
}

/** What a client gets of an upstream's fields. */
export function responseFields({ fields }: ResponseHead, parts: ResponseFieldsParts): Fields {
  const kept = returnable(fields).without(name => name === 'www-authenticate' && !parts.challenges)
  const told = parts.masked ? maskedHead([...kept], parts.contentType) : [...kept]
  const seen = tagged(parts.hidden ? told.flatMap(own) : told, fields, parts)
  return Fields.of(
    ...seen.map(([name, value]): Field => {
      // What is sealed says nothing, and may look like what is hidden.
      if (name === 'etag' && parts.tagged !== undefined) return [name, value]
      return [name, parts.scrub(rewritten(name, value, parts))]
    }),
  )
}

function tagged(
  told: readonly Field[],
  fields: Fields,
  { tagged: place, hidden }: ResponseFieldsParts,
): readonly Field[] {
  const [tag, another] = fields.all('etag')
  if (place === undefined || tag === undefined) return told
  const sealed = another === undefined ? sealedTag(tag, place, hidden) : undefined
  const rest = told.filter(([name]) => name !== 'etag')
  return sealed === undefined ? rest : [...rest, ['etag', sealed]]
}

/** A masked copy is this principal's own, and no date says that it is still the same: rules may have changed meanwhile. */
function own([name, value]: Field): readonly Field[] {
  if (name === 'last-modified' || SHARED_CACHES.test(name)) return []
  if (name !== 'cache-control' || /\bno-store\b/i.test(value)) return [[name, value]]
  const kept = value.split(',').filter(each => !/^\s*(?:public|private|s-maxage)\b/i.test(each))
  return [[name, ['private', ...kept.map(each => each.trim())].join(', ')]]
}

const SHARED_CACHES = /^(?:surrogate-control|(?:.*-)?cdn-cache-control)$/

function rewritten(name: string, value: string, parts: ResponseFieldsParts): string {
  if (name === 'location' || name === 'content-location') return locationOf(value, parts)
  return name === 'set-cookie' ? ownCookie(value) : value
}

/** A cookie is for the origin that the client sees, and for no other host. (Clients trim the names of attributes.) */
export function ownCookie(value: string): string {
  return value.replace(/;[\t ]*domain[\t ]*=[^;]*/gi, '')
}

/** A way to the upstream's own origin becomes one to ours; every other one is the client's to follow, or not. */
function locationOf(value: string, { own, way }: ResponseFieldsParts): string {
  const { origin, basePath } = way
  if (value.startsWith('/') && !value.startsWith('//')) return ours(value, way) ?? value
  const url = URL.parse(value, `${origin}${basePath}/`)
  if (url === null || url.origin !== origin || !/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(value))
    return value
  const path = ours(`${url.pathname}${url.search}${url.hash}`, way)
  return path === undefined || own === undefined ? (path ?? value) : `${own}${path}`
}

/** A path of the upstream's as the client has to ask for it. */
function ours(path: string, { basePath, ownPath }: ResponseFieldsParts['way']): string | undefined {
  const rest = withoutBase(path, basePath)
  return rest === undefined ? undefined : `${ownPath}${rest}`
}

function withoutBase(path: string, basePath: string): string | undefined {
  if (basePath === '') return path
  if (!path.startsWith(basePath)) return undefined
  const rest = path.slice(basePath.length)
  if (rest.startsWith('/')) return rest
  return rest === '' || /^[?#]/.test(rest) ? `/${rest}` : undefined
}
