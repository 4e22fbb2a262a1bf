// What a URL asks for, read as the API server's documentation has it.
import { isYes } from './objects.ts'
import { StatusError, unknownPath } from './status.ts'
import type { ResourceType } from './types.ts'

export interface Target {
  readonly verb: string
  readonly type: ResourceType
  readonly namespace: string | undefined
  readonly name: string
  readonly subresource: string
  /** Behind `…/proxy/`. */
  readonly rest: string
}

/** Undefined for a path that names no resource. */
export function targetOf(
  method: string,
  url: URL,
  types: readonly ResourceType[],
): Target | undefined {
  const parts = url.pathname
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent)
  const group = parts[0] === 'api' ? '' : parts[1]
  const version = parts[0] === 'api' ? parts[1] : parts[2]
  if ((parts[0] !== 'api' && parts[0] !== 'apis') || version === undefined) return undefined
  const path = parts.slice(parts[0] === 'api' ? 2 : 3)
  if (path.length === 0) return undefined
  const own = types.filter(type => type.group === group && type.version === version)
  let namespace: string | undefined
  // /namespaces/NAME is the namespace itself, and so are its own subresources.
  if (
    path[0] === 'namespaces' &&
    path.length > 2 &&
    !['status', 'finalize'].includes(path[2] ?? '')
  ) {
    namespace = path[1]
    path.splice(0, 2)
  }
  const [resource = '', name = '', subresource = '', ...rest] = path
  const type = own.find(one => one.resource === resource)
  if (type === undefined) throw unknownPath()
  if (subresource !== '' && type.subresources[subresource] === undefined) throw unknownPath()
  if (namespace !== undefined && !type.namespaced) throw unknownPath()
  return {
    verb: verbOf(method, name, url.searchParams),
    type,
    namespace,
    name,
    subresource,
    rest: rest.join('/'),
  }
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  // Said without a value it is said.
  const watch = query.get('watch') === '' || isYes(query, 'watch')
  switch (method) {
    case 'GET':
    case 'HEAD':
      return watch ? 'watch' : name === '' ? 'list' : 'get'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete'
    default:
      throw new StatusError(405, 'the server does not allow this method on the requested resource')
  }
}
