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
  const [name = labelOf(host?.name)] = named
  return name !== undefined && RESOURCE.test(name) ? name : undefined
}

function labelOf(host: string | undefined): string | undefined {
  if (host === undefined || /^[\d.]+$/.test(host) || host.includes(':')) return undefined
  const dot = host.indexOf('.')
  return dot > 0 ? host.slice(0, dot) : undefined
}
