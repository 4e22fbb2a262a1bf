// What of a body is nobody's to read: values of Secrets, tokens, and the copy of the whole object that kubectl apply leaves
// in an annotation. Their SHA-256 stands in their place, so that a yes for one value is none for another.
import { createHash } from 'node:crypto'
import type { RequestInfo } from './request-info.ts'
import { isList, isObject, type Tree } from './tree.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** `behind`: where in the object the tree stands. The same tree when nothing is hidden. */
export function withoutSecrets(
  info: RequestInfo,
  tree: Tree,
  behind: readonly string[] = [],
): Tree {
  const hides =
    info.resource === 'secrets'
      ? isOfSecret
      : info.resource === 'tokenreviews'
        ? isToken
        : isNothing
  return walk(tree, behind, names => isCopy(names) || hides(names), false)
}

function isOfSecret(names: readonly string[]): boolean {
  const first = names[0]?.toLowerCase()
  return first === 'data' || first === 'stringdata'
}

function isToken(names: readonly string[]): boolean {
  return names.join('/').toLowerCase() === 'spec/token'
}

function isNothing(): boolean {
  return false
}

function isCopy(names: readonly string[]): boolean {
  return names.at(-1) === LAST_APPLIED
}

function walk(
  tree: Tree,
  names: readonly string[],
  hides: (names: readonly string[]) => boolean,
  inside: boolean,
): Tree {
  const hidden = inside || hides(names)
  if (isList(tree)) return tree.map(item => walk(item, names, hides, hidden))
  if (isObject(tree))
    return new Map(
      [...tree].map(([name, value]) => [name, walk(value, [...names, name], hides, hidden)]),
    )
  return hidden && typeof tree === 'string' && tree !== '' ? hashed(tree) : tree
}

function hashed(value: string): string {
  return `[SHA-256 ${createHash('sha256').update(value).digest('hex')}]`
}
