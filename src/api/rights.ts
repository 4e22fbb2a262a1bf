// The gateway's own administration is Cedar too: four console actions (design: policy).
import { mayOperate } from '#engines/policy'
import { AccessDenied, type PrincipalKind } from '#model'
import type { ApiParts, Caller } from './parts.ts'

export const consoleRights = [
  'console:read',
  'console:audit',
  'console:operate',
  'console:administer',
] as const
export type ConsoleRight = (typeof consoleRights)[number]

export function has(parts: ApiParts, caller: Caller, right: ConsoleRight): boolean {
  const facts = parts.gateway.rights.factsFor(caller.principal, caller.origin)
  return mayOperate(parts.policies(), caller.principal, right, facts)
}

/**
 * True when it is the caller's, and not that of an agent or a person of the same id. Who acts for somebody has what was done in this way, not what the person did alone:
 * the person may have seen what the two together may not.
 */
export function isOwn(
  { principal }: Caller,
  thing: {
    readonly principal: string
    readonly principalKind?: PrincipalKind
    readonly actor?: string
  },
): boolean {
  const [actor] = principal.actors
  return (
    thing.principal === principal.id &&
    (thing.principalKind === undefined || thing.principalKind === principal.kind) &&
    (actor === undefined || thing.actor === actor.id)
  )
}

/** Throws AccessDenied `not_allowed`. */
export function need(parts: ApiParts, caller: Caller, right: ConsoleRight): void {
  if (has(parts, caller, right)) return
  throw new AccessDenied('not_allowed', `This needs ${right}.`, {
    hint: `A policy must permit Action::"${right}" on Gateway::"sallyport" for you.`,
  })
}
