// Who asks (a bearer token, a client certificate, impersonation) and whether the cluster's own RBAC lets them.
import type { TLSSocket } from 'node:tls'
import { items, type KubeObject, text } from './objects.ts'
import { StatusError } from './status.ts'
import type { Store } from './store.ts'
import { groupResource, type ResourceType, TYPES } from './types.ts'

export interface User {
  readonly name: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

export interface Caller extends User {
  /** Who really came, when it acts as another. */
  readonly by?: string
}

/** What is asked, as RBAC sees it. */
export interface Wish {
  readonly verb: string
  readonly group: string
  /** With the subresource: `pods/exec`. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
  /** Of a request that names no resource. */
  readonly path?: string
}

export type Tokens = Readonly<
  Record<string, { readonly user: string; readonly groups?: readonly string[] }>
>

type Headers = Readonly<Record<string, string | string[] | undefined>>

export function callerOf(headers: Headers, socket: TLSSocket, tokens: Tokens): User {
  const [, token = ''] = /^Bearer (.+)$/.exec(String(headers['authorization'] ?? '')) ?? []
  const known = tokens[token]
  if (known !== undefined) return user(known.user, known.groups ?? [])
  const certificate = socket.authorized ? socket.getPeerCertificate() : undefined
  if (token === '' && certificate?.subject?.CN) {
    const groups: unknown = certificate.subject.O ?? []
    return user(String(certificate.subject.CN), Array.isArray(groups) ? groups : [String(groups)])
  }
  throw new StatusError(401, 'Unauthorized')
}

const user = (name: string, groups: readonly string[]): User => ({
  name,
  groups: [...groups, 'system:authenticated'],
  extra: {},
})

/** Whom the request acts as; refused unless RBAC lets the caller impersonate each of the parts. */
export function impersonated(
  headers: Headers,
  caller: User,
  allowed: (user: User, wish: Wish) => boolean,
): Caller {
  const name = one(headers['impersonate-user'])
  const groups = all(headers['impersonate-group'])
  const extra: Record<string, string[]> = {}
  for (const header of Object.keys(headers))
    if (header.startsWith('impersonate-extra-'))
      extra[decodeURIComponent(header.slice('impersonate-extra-'.length))] = all(headers[header])
  if (name === undefined) {
    if (groups.length > 0 || Object.keys(extra).length > 0)
      throw new StatusError(500, 'requested groups or extra without impersonating a user')
    return caller
  }
  const wishes: Wish[] = [impersonation('', 'users', name)]
  for (const group of groups) wishes.push(impersonation('', 'groups', group))
  for (const [key, values] of Object.entries(extra))
    for (const value of values)
      wishes.push(impersonation('authentication.k8s.io', `userextras/${key}`, value))
  for (const wish of wishes) if (!allowed(caller, wish)) throw forbidden(caller, wish)
  return { name, groups: [...groups, 'system:authenticated'], extra, by: caller.name }
}

const impersonation = (group: string, resource: string, name: string): Wish => ({
  verb: 'impersonate',
  group,
  resource,
  namespace: '',
  name,
})

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)
// Repeated lines come as an array over HTTP/2 and joined by a comma over HTTP/1.1.
const all = (value: string | string[] | undefined) =>
  value === undefined ? [] : Array.isArray(value) ? value : value.split(/,\s*/)

export function forbidden(user: User, wish: Wish): StatusError {
  const what =
    wish.path === undefined
      ? `resource "${wish.resource}" in API group "${wish.group}"${wish.namespace === '' ? ' at the cluster scope' : ` in the namespace "${wish.namespace}"`}`
      : `path "${wish.path}"`
  const [resource = ''] = wish.resource.split('/')
  const about = wish.group === '' ? resource : `${resource}.${wish.group}`
  const subject =
    wish.path === undefined
      ? `${about} ${wish.name === '' ? '' : `"${wish.name}" `}is forbidden`
      : 'forbidden'
  return new StatusError(403, `${subject}: User "${user.name}" cannot ${wish.verb} ${what}`, {
    ...(wish.name === '' ? {} : { name: wish.name }),
    ...(wish.group === '' ? {} : { group: wish.group }),
    ...(wish.path === undefined ? { kind: resource } : {}),
  })
}

const rbac = (resource: string) =>
  TYPES.find(
    type => groupResource(type) === `${resource}.rbac.authorization.k8s.io`,
  ) as ResourceType

/** The rules of roles that are bound to the user, for a namespace or the whole cluster. */
export function rulesOf(store: Store, user: User, namespace: string): readonly unknown[] {
  const names = (binding: KubeObject) =>
    items(binding, 'subjects').some(subject => {
      const name = text(subject, 'name')
      if (text(subject, 'kind') === 'Group') return user.groups.includes(name)
      if (text(subject, 'kind') === 'User') return user.name === name
      return user.name === `system:serviceaccount:${text(subject, 'namespace')}:${name}`
    })
  const rules = (binding: KubeObject) => {
    const kind = text(binding, 'roleRef', 'kind')
    const type = rbac(kind === 'Role' ? 'roles' : 'clusterroles')
    const role = store.get(
      type,
      kind === 'Role' ? (binding.metadata.namespace ?? '') : '',
      text(binding, 'roleRef', 'name'),
    )
    return items(role, 'rules')
  }
  const bindings = store.list(rbac('clusterrolebindings'), undefined)
  if (namespace !== '') bindings.push(...store.list(rbac('rolebindings'), namespace))
  return bindings.flatMap(([, binding]) => (names(binding) ? rules(binding) : []))
}

export function rbacAllows(store: Store, user: User, wish: Wish): boolean {
  if (user.groups.includes('system:masters')) return true
  // As system:discovery and system:public-info-viewer have it.
  const open = /^\/(api|apis|openapi)(\/|$)|^\/(version|healthz|livez|readyz)$/
  if (wish.path !== undefined && open.test(wish.path) && wish.verb === 'get') return true
  // As system:basic-user has it.
  if (wish.group === 'authorization.k8s.io' && wish.resource.startsWith('selfsubject')) return true
  if (wish.resource === 'selfsubjectreviews') return true
  return rulesOf(store, user, wish.namespace).some(rule => covers(rule, wish))
}

function covers(rule: unknown, wish: Wish): boolean {
  const has = (list: string, value: string) =>
    items(rule, list).some(
      one =>
        one === '*' ||
        one === value ||
        (list === 'resources' && one === `*/${value.split('/')[1]}`) ||
        (list === 'nonResourceURLs' &&
          String(one).endsWith('*') &&
          value.startsWith(String(one).slice(0, -1))),
    )
  if (!has('verbs', wish.verb)) return false
  if (wish.path !== undefined) return has('nonResourceURLs', wish.path)
  const names = items(rule, 'resourceNames')
  return (
    has('apiGroups', wish.group) &&
    has('resources', wish.resource) &&
    (names.length === 0 || names.includes(wish.name))
  )
}
