// Which facts of the context a condition reads, as bits. Lets a refusal skip questions that cannot change it,
// and lets `reveals` refuse what a policy would have judged by a column that is not known.
import type { Json } from '#model'
import { isList } from './compile/est.ts'

export const REASON = 1
export const MFA = 2
export const APPROVED = 4
/** `context.object` or `context.column` of a `reveal`. */
export const COLUMN = 8
export const TEXT = 16
/** What passes by itself while a session lives: the time, and what the run did so far. */
export const PASSING = 32
const EVERYTHING = 63

const bits: ReadonlyMap<string, number> = new Map([
  ['reason', REASON],
  ['mfa', MFA],
  ['approved', APPROVED],
  ['object', COLUMN],
  ['column', COLUMN],
  ['text', TEXT],
  ['hour', PASSING],
  ['weekday', PASSING],
  ['run', PASSING],
])

/** The facts that the JSON form of an expression reads; all of them where `context` is used as a whole. */
export function factsUsed(node: Json): number {
  if (typeof node !== 'object' || node === null) return 0
  if (isList(node)) return node.reduce<number>((used, item) => used | factsUsed(item), 0)
  let used = 0
  for (const [name, body] of Object.entries(node)) {
    if (name === 'Var' && body === 'context') return EVERYTHING
    if (name === 'Value') continue
    const read = name === '.' || name === 'has' ? contextAttribute(body) : undefined
    used |= read === undefined ? factsUsed(body) : (bits.get(read) ?? 0)
  }
  return used
}

/** The name when the body is `{ left: context, attr }`; of a nested `has`, its first step. */
function contextAttribute(body: Json): string | undefined {
  if (typeof body !== 'object' || body === null || isList(body)) return undefined
  const { left, attr } = body
  if (typeof left !== 'object' || left === null || isList(left) || left['Var'] !== 'context') {
    return undefined
  }
  const name = isList(attr) ? attr[0] : attr
  return typeof name === 'string' ? name : undefined
}
