// A policy as our sets hold it: compiled, with its place, its annotations read, and its end when it is a grant.
import type { JsonObject, PolicyId } from '#model'
import type { Annotations } from './annotations.ts'
import { type CompiledPolicy, compilePolicy } from './compile/policy.ts'
import { factsUsed } from './facts-used.ts'

export interface Rule {
  readonly id: PolicyId
  readonly policy: CompiledPolicy
  readonly annotations: Annotations
  /** Which facts its conditions read (facts-used.ts). */
  readonly uses: number
  readonly file: string
  readonly line: number
  /** The texts of its conditions, as written. */
  readonly conditions: readonly string[]
  /** Unix ms from when it never applies. */
  readonly endsAt: number
}

/** Compiles a checked policy. Throws CompileError. */
export function makeRule(
  id: PolicyId,
  form: JsonObject,
  rest: Pick<Rule, 'annotations' | 'file' | 'line' | 'conditions'>,
): Rule {
  const policy = compilePolicy(form)
  const uses = policy.conditions.reduce((bits, { body }) => bits | factsUsed(body), 0)
  return { id, policy, uses, endsAt: Number.POSITIVE_INFINITY, ...rest }
}
