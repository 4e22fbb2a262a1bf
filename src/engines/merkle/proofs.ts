// RFC 6962 section 2.1.1 and 2.1.2: making inclusion and consistency proofs; RFC 9162 section 2.1.3.2 and 2.1.4.2:
// verifying them. Sizes go beyond 2^32, so nothing here uses bit operators.
import { EMPTY_ROOT, HASH_BYTES, nodeHash, sameHash } from './hashing.ts'

/** Where hashes come from: the root of leaves [index * 2^level, (index + 1) * 2^level), all of which exist. */
export interface HashSource {
  hashAt(level: number, index: number): Uint8Array
}

/** The root of the first `size` leaves. */
export function rootAt(size: number, source: HashSource): Uint8Array {
  return size === 0 ? EMPTY_ROOT : subtree(0, size, source)
}

/** The audit path of leaf `index` in the tree of `size` leaves. */
export function inclusionProof(
  index: number,
  size: number,
  source: HashSource,
): readonly Uint8Array[] {
  if (!isIndex(index) || !isIndex(size) || index >= size) throw new RangeError('no such leaf')
  const path: Uint8Array[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + split(to - from)
    if (index < middle) {
      path.push(subtree(middle, to, source))
      to = middle
    } else {
      path.push(subtree(from, middle, source))
      from = middle
    }
  }
  return path.reverse()
}

/** The proof that the tree of `first` leaves is a prefix of the tree of `second` leaves. */
export function consistencyProof(
  first: number,
  second: number,
  source: HashSource,
): readonly Uint8Array[] {
  if (!isIndex(first) || !isIndex(second) || first > second) throw new RangeError('no such trees')
  if (first === 0 || first === second) return []
  const path: Uint8Array[] = []
  let [from, to] = [0, second]
  let whole = true
  // SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2, from the top down.
  while (first !== to) {
    const middle = from + split(to - from)
    if (first <= middle) {
      path.push(subtree(middle, to, source))
      to = middle
    } else {
      path.push(subtree(from, middle, source))
      from = middle
      whole = false
    }
  }
  if (!whole) path.push(subtree(from, to, source))
  return path.reverse()
}

/** True when `proof` shows that `leaf` is at `index` in the tree with that size and root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isIndex(index) || !isIndex(size) || index >= size) return false
  if (!areHashes([leaf, root, ...proof])) return false
  let [fn, sn] = [index, size - 1]
  let computed = leaf
  for (const hash of proof) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      computed = nodeHash(hash, computed)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      computed = nodeHash(computed, hash)
    }
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && sameHash(computed, root)
}

/** True when `proof` shows that the first tree is a prefix of the second. */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isIndex(first) || !isIndex(second) || first > second) return false
  if (!areHashes([firstRoot, secondRoot, ...proof])) return false
  if (first === second) return proof.length === 0 && sameHash(firstRoot, secondRoot)
  // An empty tree is a prefix of every tree, and says nothing: only its own root is accepted for it.
  if (first === 0) return proof.length === 0 && sameHash(firstRoot, EMPTY_ROOT)
  if (proof.length === 0) return false
  const path = Number.isInteger(Math.log2(first)) ? [firstRoot, ...proof] : proof
  let [fn, sn] = [first - 1, second - 1]
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)]
  const seed = path[0]
  if (seed === undefined) return false
  let fromFirst = seed
  let fromSecond = seed
  for (const hash of path.slice(1)) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      fromFirst = nodeHash(hash, fromFirst)
      fromSecond = nodeHash(hash, fromSecond)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      fromSecond = nodeHash(fromSecond, hash)
    }
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && sameHash(fromFirst, firstRoot) && sameHash(fromSecond, secondRoot)
}

/** MTH(D[from:to]). Perfect subtrees come from the source. */
function subtree(from: number, to: number, source: HashSource): Uint8Array {
  const width = to - from
  const level = Math.round(Math.log2(width))
  if (2 ** level === width && from % width === 0) return source.hashAt(level, from / width)
  const middle = from + split(width)
  return nodeHash(subtree(from, middle, source), subtree(middle, to, source))
}

/** The largest power of two that is smaller than `width`. */
function split(width: number): number {
  let power = 1
  while (power * 2 < width) power *= 2
  return power
}

const half = (value: number): number => Math.floor(value / 2)
const isIndex = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
const areHashes = (all: readonly Uint8Array[]): boolean =>
  all.every(hash => hash.length === HASH_BYTES)
