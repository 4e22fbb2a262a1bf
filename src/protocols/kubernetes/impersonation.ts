// As whom the cluster sees a principal: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation.
// Set by us only: what a client says of itself in these fields stays here (proxy/fields).
import { AccessDenied, type Principal } from '#model'
import type { KubernetesSettings } from './settings.ts'

type Field = readonly [string, string]

/**
 * Fields of a request; none when requests are made as the credential itself. Throws AccessDenied: the principal has a name that the
 * cluster keeps for itself, or that no field can carry.
 */
export function impersonationFields(
  principal: Principal,
  session: string,
  settings: Pick<KubernetesSettings, 'impersonate' | 'userPrefix' | 'groupPrefix' | 'groups'>,
): readonly Field[] {
  if (settings.impersonate === 'none') return []
  const { id, groups, run, actors } = principal
  const isNamed = (group: string): boolean =>
    settings.groups === 'all' || settings.groups.includes(group)
  const extra = (name: string, value: string): Field => [
    `impersonate-extra-sallyport-${name}`,
    // Values are free text, and ours may hold what no field can: percent-encoded they are plain, and still to be read.
    encodeURIComponent(value),
  ]
  return [
    ['impersonate-user', named(settings.userPrefix, id)],
    ...groups
      .filter(isNamed)
      .map(group => ['impersonate-group', named(settings.groupPrefix, group)] as const),
    extra('session', session),
    extra('run', run),
    ...actors.slice(0, 1).map(actor => extra('actor', actor.id)),
  ]
}

function named(prefix: string, name: string): string {
  const text = `${prefix}${name}`
  if (text.startsWith('system:'))
    throw refused('a name of this principal begins with system:, which is the cluster’s own')
  // No folding, no controls, and no blank that a field would lose.
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text))
    throw refused('a name of this principal cannot be a header field')
  return text
}

function refused(message: string): AccessDenied {
  return new AccessDenied('policy_error', message, {
    hint: 'userPrefix and groupPrefix of the resource, and prefix of the issuer, say what names become.',
  })
}
