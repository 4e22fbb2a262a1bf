// Which resource a request is for.
import { InvalidRequest } from '#model'
import type { RequestHead } from '#transport/http'

const RESOURCE = /^[a-z0-9][a-z0-9-_.]{0,62}$/

/**
 * The resource that a request names: by `Sallyport-Resource`, else by the first label of its host. Undefined: neither.
 * One that names two is refused: nobody could tell which rules are meant.
 */
export function resourceOf({ fields, host }: RequestHead): string | undefined {
  const named = fields.all('sallyport-resource')
  if (named.length > 1)
    throw new InvalidRequest('request_invalid', 'the request names its resource twice')
  const own = labelOf(host?.name)
  const [name = own] = named
  if (name !== own && isFromPage(fields))
    throw new InvalidRequest('request_invalid', 'a page asks for another resource than its own')
  return name !== undefined && RESOURCE.test(name) ? name : undefined
}

/**
 * A page of one resource, with what the browser keeps for its origin: Basic, a client certificate. (Fetch Metadata: clients that are no
 * browsers say nothing.) Whoever has a token to show is no page's victim.
 */
function isFromPage(fields: RequestHead['fields']): boolean {
  if (!fields.has('sec-fetch-site') || fields.has('sallyport-authorization')) return false
  return !/^bearer /i.test(fields.get('authorization') ?? '')
}

function labelOf(host: string | undefined): string | undefined {
  if (host === undefined || /^[\d.]+$/.test(host) || host.includes(':')) return undefined
  const dot = host.indexOf('.')
  return dot > 0 ? host.slice(0, dot) : undefined
}
