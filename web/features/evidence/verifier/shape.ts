// Proofs, by the recursion that RFC 6962 defines them with. Sizes go beyond 2^32: no bit operators.
import { Broken, type Bytes, nodeHash, same } from './bytes.ts'

/** The hash over entries [from, to), for a range that is a node of the tree. */
export type RangeHash = (from: number, to: number) => Promise<Bytes>

/** A sibling on the way up from an entry to the root. */
export interface PathStep {
  readonly from: number
  readonly to: number
  /** On which side of what is proved the sibling stands. */
  readonly side: 'left' | 'right'
  readonly sibling: Bytes
  /** The hash of both. */
  readonly result: Bytes
}

/** The largest power of two smaller than `size`. */
function split(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

/** PATH(index, D[size]) of section 2.1.1. */
export async function inclusionPath(
  index: number,
  size: number,
  hash: RangeHash,
): Promise<readonly Bytes[]> {
  const path = async (from: number, to: number): Promise<Bytes[]> => {
    if (to - from === 1) return []
    const middle = from + split(to - from)
    return index < middle
      ? [...(await path(from, middle)), await hash(middle, to)]
      : [...(await path(middle, to)), await hash(from, middle)]
  }
  return path(0, size)
}

/** Computes the root from a leaf and its path. Throws Broken when the path does not fit the tree or the root differs. */
export async function checkInclusion(
  index: number,
  size: number,
  leaf: Bytes,
  path: readonly Bytes[],
  root: Bytes,
): Promise<readonly PathStep[]> {
  if (!isNumber(index) || !isNumber(size) || index >= size || leaf.length !== 32)
    throw new Broken('There is no such entry.')
  const rest = [...path]
  const steps: PathStep[] = []
  const climb = async (from: number, to: number): Promise<Bytes> => {
    if (to - from === 1) return leaf
    const middle = from + split(to - from)
    const left = index < middle
    const below = left ? await climb(from, middle) : await climb(middle, to)
    const sibling = rest.shift()
    if (sibling?.length !== 32) throw new Broken('The path is too short for this tree.')
    const result = left ? await nodeHash(below, sibling) : await nodeHash(sibling, below)
    const range = left ? { from: middle, to } : { from, to: middle }
    steps.push({ ...range, side: left ? 'right' : 'left', sibling, result })
    return result
  }
  const computed = await climb(0, size)
  if (rest.length > 0) throw new Broken('The path is too long for this tree.')
  if (!same(computed, root)) throw new Broken('The path from the entry ends in another root.')
  return steps
}

/** PROOF(first, D[second]) of section 2.1.2. */
export async function consistencyProof(
  first: number,
  second: number,
  hash: RangeHash,
): Promise<readonly Bytes[]> {
  const proof = async (from: number, to: number, whole: boolean): Promise<Bytes[]> => {
    if (first === to) return whole ? [] : [await hash(from, to)]
    const middle = from + split(to - from)
    return first <= middle
      ? [...(await proof(from, middle, whole)), await hash(middle, to)]
      : [...(await proof(middle, to, false)), await hash(from, middle)]
  }
  return first === 0 ? [] : proof(0, second, true)
}

/** Computes both roots from the proof. Throws Broken unless they are these two. */
export async function checkConsistency(
  first: number,
  second: number,
  firstRoot: Bytes,
  secondRoot: Bytes,
  proof: readonly Bytes[],
): Promise<void> {
  if (!isNumber(first) || !isNumber(second) || first < 1 || first > second)
    throw new Broken('These two trees cannot be compared.')
  const rest = [...proof]
  const next = (): Bytes => {
    const hash = rest.shift()
    if (hash?.length !== 32) throw new Broken('The proof is too short for these trees.')
    return hash
  }
  /** Both roots over [from, to): of the entries that the first tree has, and of all. */
  const climb = async (
    from: number,
    to: number,
    whole: boolean,
  ): Promise<readonly [Bytes, Bytes]> => {
    if (first === to) {
      const hash = whole ? firstRoot : next()
      return [hash, hash]
    }
    const middle = from + split(to - from)
    if (first <= middle) {
      const [old, left] = await climb(from, middle, whole)
      return [old, await nodeHash(left, next())]
    }
    const [old, right] = await climb(middle, to, false)
    const left = next()
    return [await nodeHash(left, old), await nodeHash(left, right)]
  }
  const [old, all] = await climb(0, second, true)
  if (rest.length > 0) throw new Broken('The proof is too long for these trees.')
  if (!same(old, firstRoot)) throw new Broken('The proof begins at another root.')
  if (!same(all, secondRoot)) throw new Broken('The proof ends in another root.')
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
