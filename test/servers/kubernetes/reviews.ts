// Questions about rights, and tokens for service accounts: what is created and answers at once.
import { randomBytes } from 'node:crypto'
import { type Caller, rbacAllows, rulesOf, type User } from './access.ts'
import { items, type Json, type KubeObject, text } from './objects.ts'
import type { Store } from './store.ts'

export function reviewed(store: Store, kind: string, body: KubeObject, caller: Caller): Json {
  const spec = (body['spec'] ?? {}) as Json
  const answer = (status: Json) => ({ ...body, metadata: { creationTimestamp: null }, status })
  switch (kind) {
    case 'SelfSubjectReview':
      return answer({
        userInfo: { username: caller.name, groups: caller.groups, extra: caller.extra },
      })
    case 'SelfSubjectRulesReview': {
      const rules = rulesOf(store, caller, text(spec, 'namespace'))
      return answer({
        incomplete: false,
        resourceRules: rules.filter(rule => items(rule, 'resources').length > 0),
        nonResourceRules: rules.filter(rule => items(rule, 'nonResourceURLs').length > 0),
      })
    }
    default: {
      const asking: User =
        kind === 'SubjectAccessReview'
          ? { name: text(spec, 'user'), groups: items(spec, 'groups').map(String), extra: {} }
          : caller
      const about = (spec['resourceAttributes'] ?? {}) as Json
      const path = text(spec, 'nonResourceAttributes', 'path')
      const sub = text(about, 'subresource')
      const allowed = rbacAllows(store, asking, {
        verb: text(about, 'verb') || text(spec, 'nonResourceAttributes', 'verb'),
        group: text(about, 'group'),
        resource: text(about, 'resource') + (sub === '' ? '' : `/${sub}`),
        namespace: text(about, 'namespace'),
        name: text(about, 'name'),
        ...(path === '' ? {} : { path }),
      })
      return answer(allowed ? { allowed, reason: 'RBAC: allowed' } : { allowed })
    }
  }
}

export function tokenFor(body: KubeObject): Json {
  const seconds = Number(text(body, 'spec', 'expirationSeconds') || 3600)
  const expirationTimestamp = new Date(Date.now() + seconds * 1000).toISOString()
  const token = `stand-in.${randomBytes(24).toString('base64url')}.token`
  return { ...body, status: { token, expirationTimestamp } }
}
