// What a request to a cluster means, as far as it reads: what writes, runs or tunnels is refused.
import { requestText } from '#engines/http'
import { requestInfo } from '#engines/kubernetes'
import { InvalidRequest, type Statement } from '#model'
import type { ReadBody } from '#proxy'

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string | undefined
  readonly body: ReadBody['asked']
  readonly upgrade: string | undefined
}

/** Throws InvalidRequest. */
export function readStatement({ method, path, query, body, upgrade }: Asked): Statement {
  const info = requestInfo(method, path, query)
  const { isResource, verb, group, resource, subresource, namespace, name } = info
  const reads =
    ['get', 'list', 'watch'].includes(verb) && ['', 'log', 'status'].includes(subresource)
  if (!reads || body.kind !== 'none' || upgrade !== undefined)
    throw new InvalidRequest('statement_unsupported', 'only what reads is served here')
  const kind = group === '' ? resource : `${resource}.${group}`
  const object = isResource
    ? { name: [kind, namespace, name].filter(each => each !== '').join('/'), kind }
    : { name: info.path, kind: 'url' }
  return {
    text: requestText({ method, path, query, fields: [], body }),
    operations: [
      {
        action: 'read',
        verb: subresource === '' ? verb : `${resource}/${subresource}`,
        object,
        columns: [],
        flags: [],
        category: verb,
      },
    ],
    functions: [],
    phase: 'execute',
    mayDeriveFrom: [],
  }
}
