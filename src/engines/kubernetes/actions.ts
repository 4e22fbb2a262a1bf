// What a request does, by what it is about and never by its method alone: an exec may come as GET. What is not known is a
// write at least, where it does not read.
import type { Action } from '#model'
import type { RequestInfo } from './request-info.ts'

/** Both sides speak as they like from then on: programs in a container, whatever a proxy leads to. */
const EXECUTED: ReadonlySet<string> = new Set(['exec', 'attach', 'ephemeralcontainers', 'proxy'])
const TUNNELS: ReadonlySet<string> = new Set(['portforward'])
/** Made by POST, and nothing is made: they answer what one may do. */
const QUESTIONS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    'authorization.k8s.io',
    new Set([
      'selfsubjectaccessreviews',
      'selfsubjectrulesreviews',
      'subjectaccessreviews',
      'localsubjectaccessreviews',
    ]),
  ],
  ['authentication.k8s.io', new Set(['selfsubjectreviews', 'tokenreviews'])],
])
/** Rights, whoever serves them (OpenShift has groups of its own). */
const RIGHTS: ReadonlySet<string> = new Set([
  'roles',
  'clusterroles',
  'rolebindings',
  'clusterrolebindings',
])
/** Groups whose objects steer the API server itself, or what everybody may do. */
const STEERING: ReadonlySet<string> = new Set([
  'rbac.authorization.k8s.io',
  'admissionregistration.k8s.io',
  'apiregistration.k8s.io',
  'apiextensions.k8s.io',
  'flowcontrol.apiserver.k8s.io',
])
const READS: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head'])

/** `upgraded`: the connection stays open, and both sides speak as they like. */
export function actionOf(info: RequestInfo, upgraded = false): Action {
  const { group, resource, subresource, verb } = info
  // Other methods on such a URL change the server: `PUT /debug/flags/v`.
  if (!info.isResource) return READS.has(verb) ? 'read' : 'administer'
  if (verb === 'proxy' || EXECUTED.has(subresource)) return 'execute'
  if (TUNNELS.has(subresource)) return 'tunnel'
  if (upgraded) return 'execute'
  if (READS.has(verb)) return 'read'
  if (verb === 'create' && subresource === '' && QUESTIONS.get(group)?.has(resource) === true)
    return 'read'
  return isAdministered(info) ? 'administer' : 'write'
}

/** True for objects about who may do what. */
export function isAboutRights({ group, resource }: RequestInfo): boolean {
  return group === 'rbac.authorization.k8s.io' || RIGHTS.has(resource)
}

function isAdministered(info: RequestInfo): boolean {
  const { group, resource, subresource } = info
  if (STEERING.has(group) || isAboutRights(info)) return true
  // Who approves or signs gives out certificates, who asks for a token gives out an account's name.
  if (group === 'certificates.k8s.io' && subresource !== '') return true
  if (group === '' && resource === 'serviceaccounts' && subresource === 'token') return true
  return group === 'policy' && resource === 'podsecuritypolicies'
}

/** What of the request goes where we cannot read it, or where nobody here could tell what it asks. */
export function leadsElsewhere({ verb, subresource }: RequestInfo): boolean {
  return verb === 'proxy' || subresource === 'proxy'
}

/** A connection that stays open, both ways: no body is asked for. */
export function isConversation({ subresource }: RequestInfo): boolean {
  return subresource === 'exec' || subresource === 'attach' || TUNNELS.has(subresource)
}
