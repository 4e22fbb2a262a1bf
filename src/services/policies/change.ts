// What of the policies is new, for the log: ids, and the files that hold what was changed.
import type { PolicySet } from '#engines/policy'
import type { JsonObject } from '#model'

const MOST_LISTED = 64
const firstOf = (names: readonly string[]): string[] => names.slice(0, MOST_LISTED)

export function policyChange(before: PolicySet, after: PolicySet): JsonObject {
  const text = (set: PolicySet) =>
    new Map(set.policies.map(({ line: _line, ...policy }) => [policy.id, JSON.stringify(policy)]))
  const [old, now] = [text(before), text(after)]
  const files = [...new Set([...before.policies, ...after.policies].map(({ file }) => file))]
  return {
    policySet: after.hash,
    previous: before.hash,
    files: firstOf(files),
    added: firstOf([...now.keys()].filter(id => !old.has(id))),
    removed: firstOf([...old.keys()].filter(id => !now.has(id))),
  }
}
