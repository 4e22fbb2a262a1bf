// What a request is to an API server: verb, group, resource, subresource, namespace and name, by the same rules as the
// RequestInfo of k8s.io/apiserver, on which its authorizers decide. What they might read otherwise is refused.
import { InvalidRequest } from '#model'
import {
  checkParameters,
  only,
  type Parameters,
  readBoolean,
  readParameters,
} from './parameters.ts'
import { readSegments } from './path.ts'
import { countRequirements, nameIn, readFieldSelector } from './selectors.ts'

export interface RequestInfo {
  /** False: a URL that is no resource (`/version`): then only `path` and `verb` tell anything. */
  readonly isResource: boolean
  /** Decoded, without the slashes at its ends. */
  readonly path: string
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, `proxy`; else the method in lower case. */
  readonly verb: string
  /** Empty: the core group. */
  readonly group: string
  readonly version: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** From the resource on: `RESOURCE/NAME/SUBRESOURCE/...`. */
  readonly parts: readonly string[]
  readonly parameters: Parameters
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}
/** Verbs that stand in the path: `/api/v1/watch/pods`. */
const PREFIXES: ReadonlySet<string> = new Set(['watch', 'proxy'])
/** `/namespaces/NAME/status` is the namespace's own; any other word there is a resource in it. */
const OF_NAMESPACES: ReadonlySet<string> = new Set(['status', 'finalize'])

/** `path` and `query` as the request line has them. Throws InvalidRequest. */
export function requestInfo(method: string, path: string, query?: string): RequestInfo {
  const plain = Object.hasOwn(VERBS, method) ? VERBS[method] : undefined
  if (plain === undefined)
    throw new InvalidRequest(
      'statement_unsupported',
      `the method ${method.slice(0, 32)} is not served`,
    )
  const segments = readSegments(path)
  const parameters = readParameters(query)
  const below = resourceParts(segments)
  const asked = { path: segments.join('/'), parameters }
  if (below === undefined) return { ...NO_RESOURCE, ...asked, verb: method.toLowerCase() }
  const { group, version } = below
  let { parts } = below
  let verb = plain
  const prefixed = PREFIXES.has(parts[0]!)
  if (prefixed) {
    verb = parts[0]!
    parts = parts.slice(1)
    if (parts.length === 0) throw unsupported('the path names no resource')
    if (verb === 'watch' && method !== 'GET') throw unsupported('to watch is asked by GET')
  }
  let namespace = ''
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1]!
    if (parts.length > 2 && !OF_NAMESPACES.has(parts[2]!)) parts = parts.slice(2)
  }
  const resource = parts[0]!
  const subresource = verb === 'proxy' ? '' : (parts[2] ?? '')
  const info = {
    ...asked,
    isResource: true,
    group,
    version,
    namespace,
    resource,
    subresource,
    parts,
  }
  if (verb === 'proxy' || subresource === 'proxy') return { ...info, verb, name: parts[1] ?? '' }
  checkParameters(parameters)
  if (parts.length > 3 && isBuiltIn(group))
    throw unsupported('the path goes on behind a subresource')
  const selected = selectedName(parameters)
  if (parts[1] !== undefined) return { ...info, verb, name: parts[1] }
  if (verb === 'get')
    return {
      ...info,
      verb: readBoolean(parameters, 'watch') === true ? 'watch' : 'list',
      name: selected ?? '',
    }
  return { ...info, verb: verb === 'delete' ? 'deletecollection' : verb, name: '' }
}

/** Groups of Kubernetes itself: nobody else serves APIs in them. */
export function isBuiltIn(group: string): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io')
}

const NO_RESOURCE = {
  isResource: false,
  group: '',
  version: '',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
  parts: [],
} as const

/** What stands behind `/api/VERSION` and `/apis/GROUP/VERSION`; undefined: nothing. */
function resourceParts(
  segments: readonly string[],
): { group: string; version: string; parts: readonly string[] } | undefined {
  const [prefix, ...rest] = segments
  if (prefix === 'api' && rest.length > 1)
    return { group: '', version: rest[0]!, parts: rest.slice(1) }
  if (prefix === 'apis' && rest.length > 2)
    return { group: rest[0]!, version: rest[1]!, parts: rest.slice(2) }
  return undefined
}

/** Read for every request: a selector that an API server cannot read is told to nobody. */
function selectedName(parameters: Parameters): string | undefined {
  countRequirements(only(parameters, 'labelSelector') ?? '')
  return nameIn(readFieldSelector(only(parameters, 'fieldSelector') ?? ''))
}

function unsupported(message: string): InvalidRequest {
  return new InvalidRequest('statement_unsupported', message)
}
