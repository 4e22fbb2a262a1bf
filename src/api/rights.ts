// The gateway's own administration is Cedar too: four console actions (design: policy).
import { mayOperate } from '#engines/policy'
import { AccessDenied } from '#model'
import type { ApiParts, Caller } from './parts.ts'

export type ConsoleRight =
  | 'console:read'
  | 'console:audit'
  | 'console:operate'
  | 'console:administer'

export function has(parts: ApiParts, caller: Caller, right: ConsoleRight): boolean {
  const facts = parts.gateway.factsFor(caller.principal, caller.origin)
  return mayOperate(parts.policies(), caller.principal, right, facts)
}

/** Throws AccessDenied `not_allowed`. */
export function need(parts: ApiParts, caller: Caller, right: ConsoleRight): void {
  if (has(parts, caller, right)) return
  throw new AccessDenied('not_allowed', `This needs ${right}.`, {
    hint: `A policy must permit Action::"${right}" on Gateway::"sallyport" for you.`,
  })
}
