// Header fields on their way through: what is ours stays here, what would lead around us is taken out, what the upstream
// must see of us is put in. Both directions.
import { Fields, looseName, type RequestHead, type ResponseHead } from '#transport/http'

/** RFC 9110 section 7.6.1, and what a peer frames or speaks on one connection only. */
const HOP: ReadonlySet<string> = new Set(
  `connection keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info te trailer
  transfer-encoding upgrade http2-settings content-length host expect alt-svc`.split(/\s+/),
)
/** Who a request passed, or is said to be for: only we know. */
const CLAIMED =
  /^(?:forwarded|via|client-ip|true-client-ip|cf-connecting-ip|x-client-ip|x-real-ip|x-cluster-client-ip|x-(?:original|rewrite)-ur[il]|x-forwarded(?:-.*)?|x-envoy-.*|impersonate-.*|x-remote-.*|remote-user|x-auth-request-.*|x-authenticated-.*|x-(?:user|goog-authenticated-user)-.*|front-end-https|x-ssl-.*|ssl-client-.*|x-client-cert.*|sallyport-.*)$/
/** What a mask makes untrue. */
const OF_THE_BYTES: ReadonlySet<string> = new Set(
  'etag accept-ranges content-range content-md5 digest content-digest repr-digest content-length content-encoding'.split(
    ' ',
  ),
)
const CONDITIONS: ReadonlySet<string> = new Set(['range', 'if-range'])

export interface RequestFieldsParts {
  readonly carrier: string | undefined
  /** The upstream's credential, as fields: they win over the client's of the same name. */
  readonly injected: readonly (readonly [string, string])[]
  /** Answers must be readable: nothing encoded, nothing in parts. */
  readonly plain: boolean
  readonly ip: string
}

/** What goes upstream of a client's fields. */
export function requestFields(
  { fields, upgrade }: RequestHead,
  { carrier, injected, plain, ip }: RequestFieldsParts,
): Fields {
  const named = new Set(fields.list('connection').map(looseName))
  const ours = new Set(injected.map(([name]) => looseName(name)))
  const kept = fields.without(name => {
    const loose = looseName(name)
    return (
      HOP.has(loose) ||
      named.has(loose) ||
      loose === carrier ||
      ours.has(loose) ||
      CLAIMED.test(loose) ||
      (plain && (CONDITIONS.has(loose) || loose === 'accept-encoding')) ||
      (upgrade !== undefined && loose === 'sec-websocket-extensions') ||
      (loose === 'prefer' && /(?:^|[,;\s])wait\s*=/i.test(fields.get('prefer') ?? ''))
    )
  })
  const added = [...injected.flat(), 'x-forwarded-for', ip, 'via', '1.1 sallyport']
  // Trailers are how some calls end (gRPC): whoever takes them says so on each hop.
  if (fields.list('te').some(each => each.toLowerCase() === 'trailers'))
    added.push('te', 'trailers')
  if (plain) added.push('accept-encoding', 'identity')
  return new Fields([...kept.flat, ...added])
}

export interface ResponseFieldsParts {
  /** The body is rewritten. */
  readonly masked: boolean
  /** Our own address as the client wrote it; undefined: it named no host. */
  readonly own: string | undefined
  /** The upstream's, as in its URL. */
  readonly origin: string
  readonly basePath: string
  /** The client brought a credential of its own for the upstream: its challenges are the client's. */
  readonly challenges: boolean
  /** Takes out of a value what the principal may not see, and our credential. */
  readonly scrub: (value: string) => string
}

/** What a client gets of an upstream's fields. */
export function responseFields({ fields }: ResponseHead, parts: ResponseFieldsParts): Fields {
  const named = new Set(fields.list('connection').map(looseName))
  const flat: string[] = []
  for (const [name, value] of fields) {
    if (HOP.has(name) || named.has(name)) continue
    if (parts.masked && OF_THE_BYTES.has(name)) continue
    if (name === 'www-authenticate' && !parts.challenges) continue
    flat.push(name, parts.scrub(rewritten(name, value, parts)))
  }
  return new Fields(flat)
}

function rewritten(name: string, value: string, parts: ResponseFieldsParts): string {
  if (name === 'location' || name === 'content-location') return locationOf(value, parts)
  // A cookie is for the origin that the client sees, and for no other host.
  if (name === 'set-cookie') return value.replace(/;\s*domain=[^;]*/gi, '')
  return value
}

/** A way to the upstream's own origin becomes one to ours; every other one is the client's to follow, or not. */
function locationOf(value: string, { own, origin, basePath }: ResponseFieldsParts): string {
  const absolute = value.startsWith('//')
    ? `${origin.slice(0, origin.indexOf('//'))}${value}`
    : value
  const inside = absolute.startsWith('/')
    ? absolute
    : absolute === origin || /^[/?#]/.test(absolute.slice(origin.length))
      ? absolute.startsWith(origin)
        ? absolute.slice(origin.length) || '/'
        : undefined
      : undefined
  if (inside === undefined) return value
  const path = withoutBase(inside, basePath)
  if (path === undefined) return value
  return absolute.startsWith('/') || own === undefined ? path : `${own}${path}`
}

function withoutBase(path: string, basePath: string): string | undefined {
  if (basePath === '') return path
  if (!path.startsWith(basePath)) return undefined
  const rest = path.slice(basePath.length)
  return rest === ''
    ? '/'
    : /^[/?#]/.test(rest)
      ? rest.startsWith('/')
        ? rest
        : `/${rest}`
      : undefined
}
