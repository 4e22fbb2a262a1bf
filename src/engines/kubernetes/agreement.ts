// A body that says another name, namespace, version or kind than the URL. API servers refuse it, by their own rules; what
// they might pass over is refused here, for the policies decided on the one and the approver read the other.
import { InvalidRequest } from '#model'
import { isBuiltIn, type RequestInfo } from './request-info.ts'
import { at, type Tree, textAt } from './tree.ts'

/** `whole`: the body is an object, and no part of one. Throws InvalidRequest. */
export function checkAgreement(info: RequestInfo, tree: Tree, whole: boolean): void {
  const { namespace, name, resource, subresource, verb } = info
  const own = resource === 'namespaces' ? '' : namespace
  const said = { namespace: at(tree, 'metadata', 'namespace'), name: at(tree, 'metadata', 'name') }
  if (isSaid(said.namespace) && own !== '' && said.namespace !== own)
    throw differs('namespace', 'namespace on the URL')
  if (isSaid(said.name) && name !== '' && said.name !== name)
    throw differs('name', 'name on the URL')
  const ours = subresource === '' || isBuiltIn(info.group)
  if (whole && ours && verb === 'update' && !isSaid(said.name))
    throw invalid('the body has no name: an update names its object')
  // The body of a subresource is of another kind, and API servers know which.
  if (subresource !== '' && subresource !== 'status') return
  const version = textAt(tree, 'apiVersion')
  const expected = info.group === '' ? info.version : `${info.group}/${info.version}`
  if (version !== undefined && version !== expected) throw differs('apiVersion', 'URL')
  const kind = textAt(tree, 'kind')
  if (kind !== undefined && isBuiltIn(info.group) && !resourcesOf(kind).includes(resource))
    throw differs('kind', 'resource on the URL')
}

/** An empty text is none, to API servers too. */
function isSaid(value: Tree | undefined): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** How the groups of Kubernetes name what they hold. */
function resourcesOf(kind: string): readonly string[] {
  const one = kind.toLowerCase()
  if (one.endsWith('s')) return [one, `${one}es`]
  return [one.endsWith('y') ? `${one.slice(0, -1)}ies` : `${one}s`, `${one}s`]
}

function differs(what: string, from: string): InvalidRequest {
  return invalid(`the ${what} in the body is not the ${from}`)
}

function invalid(message: string): InvalidRequest {
  return new InvalidRequest('statement_unreadable', message)
}
