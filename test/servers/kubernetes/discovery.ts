// What is served: old discovery (a document per group and version) and aggregated discovery (one for all).
import type { Json } from './objects.ts'
import { ALL_VERBS, apiVersionOf, type ResourceType } from './types.ts'

const AGGREGATED = /as=APIGroupDiscoveryList/

const verbsOf = (type: ResourceType) => type.verbs ?? ALL_VERBS

const subresourceVerbs = (name: string): readonly string[] =>
  ({
    attach: ['create', 'get'],
    binding: ['create'],
    eviction: ['create'],
    exec: ['create', 'get'],
    log: ['get'],
    portforward: ['create', 'get'],
    proxy: ['create', 'delete', 'get', 'patch', 'update'],
    token: ['create'],
    finalize: ['update'],
  })[name] ?? ['get', 'patch', 'update']

function gvk(said: string) {
  const parts = said.split('/')
  const kind = parts.pop() ?? ''
  const version = parts.pop() ?? ''
  return { group: parts[0] ?? '', version, kind }
}

/** The answer to a discovery path; undefined for any other path. */
export function discovery(
  path: string,
  accept: string | undefined,
  types: readonly ResourceType[],
): { readonly type: string; readonly body: Json } | undefined {
  const aggregated = AGGREGATED.test(accept ?? '')
  const json = (body: Json) => ({ type: 'application/json', body })
  if (path === '/api' || path === '/apis') {
    const own = types.filter(type => (type.group === '') === (path === '/api'))
    if (aggregated) {
      const version = /v=(v2(?:beta1)?)/.exec(accept ?? '')?.[1] ?? 'v2'
      return {
        type: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
        body: {
          kind: 'APIGroupDiscoveryList',
          apiVersion: `apidiscovery.k8s.io/${version}`,
          metadata: {},
          items: groupsOf(own).map(group => aggregatedGroup(group, own)),
        },
      }
    }
    if (path === '/api')
      return json({
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:443' }],
      })
    return json({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groupsOf(own).map(group => apiGroup(group, own)),
    })
  }
  const [, group = '', version] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? []
  if (group !== '' && version === undefined && types.some(type => type.group === group))
    return json({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group, types) })
  const own = types.filter(
    type =>
      path === `/apis/${type.group}/${type.version}` ||
      (type.group === '' && path === `/api/${type.version}`),
  )
  if (own.length === 0) return undefined
  return json({
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(own[0] as ResourceType),
    resources: own.flatMap(resourceEntries),
  })
}

const groupsOf = (types: readonly ResourceType[]) => [...new Set(types.map(type => type.group))]

const versionsOf = (group: string, types: readonly ResourceType[]) => [
  ...new Set(types.filter(type => type.group === group).map(type => type.version)),
]

function apiGroup(group: string, types: readonly ResourceType[]) {
  const versions = versionsOf(group, types).map(version => ({
    groupVersion: `${group}/${version}`,
    version,
  }))
  return { name: group, versions, preferredVersion: versions[0] }
}

function resourceEntries(type: ResourceType): Json[] {
  const whole = {
    name: type.resource,
    singularName: type.singular,
    namespaced: type.namespaced,
    kind: type.kind,
    verbs: verbsOf(type),
    ...(type.short.length === 0 ? {} : { shortNames: type.short }),
    ...(type.categories === undefined ? {} : { categories: type.categories }),
  }
  const parts = Object.entries(type.subresources).map(([name, answer]) => {
    const { group, version, kind } = gvk(answer)
    return {
      name: `${type.resource}/${name}`,
      singularName: '',
      namespaced: type.namespaced,
      ...(group === type.group && version === type.version ? {} : { group, version }),
      kind,
      verbs: subresourceVerbs(name),
    }
  })
  return [whole, ...parts]
}

function aggregatedGroup(group: string, types: readonly ResourceType[]): Json {
  return {
    metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
    versions: versionsOf(group, types).map(version => ({
      version,
      freshness: 'Current',
      resources: types
        .filter(type => type.group === group && type.version === version)
        .map(type => ({
          resource: type.resource,
          responseKind: { group, version, kind: type.kind },
          scope: type.namespaced ? 'Namespaced' : 'Cluster',
          singularResource: type.singular,
          verbs: verbsOf(type),
          ...(type.short.length === 0 ? {} : { shortNames: type.short }),
          ...(type.categories === undefined ? {} : { categories: type.categories }),
          subresources: Object.entries(type.subresources).map(([name, answer]) => ({
            subresource: name,
            responseKind: gvk(answer),
            verbs: subresourceVerbs(name),
          })),
        })),
    })),
  }
}
