// A body as a tree. Numbers stay as they are written: what is judged and what is shown is what the API server reads.

export type Tree = TreeObject | readonly Tree[] | WrittenNumber | string | boolean | null
/** A Map, for which no name is special; in the order of the text. */
export type TreeObject = ReadonlyMap<string, Tree>

export class WrittenNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export function isObject(tree: Tree | undefined): tree is TreeObject {
  return tree instanceof Map
}

export function isList(tree: Tree | undefined): tree is readonly Tree[] {
  return Array.isArray(tree)
}

/** What stands there when names lead to it, one in another. */
export function at(tree: Tree | undefined, ...names: readonly string[]): Tree | undefined {
  let found = tree
  for (const name of names) found = isObject(found) ? found.get(name) : undefined
  return found
}

/** Where a text stands there; undefined for anything else. */
export function textAt(tree: Tree | undefined, ...names: readonly string[]): string | undefined {
  const found = at(tree, ...names)
  return typeof found === 'string' ? found : undefined
}

/** A text, number or boolean as text; undefined: it is none. */
export function scalarText(tree: Tree | undefined): string | undefined {
  if (typeof tree === 'string') return tree
  if (typeof tree === 'boolean') return String(tree)
  return tree instanceof WrittenNumber ? tree.text : undefined
}

/** JSON that YAML 1.1 reads alike: what it takes for ends of lines is escaped. */
export function writeJson(tree: Tree): string {
  if (isObject(tree))
    return `{${[...tree].map(([name, value]) => `${quoted(name)}: ${writeJson(value)}`).join(', ')}}`
  if (isList(tree)) return `[${tree.map(writeJson).join(', ')}]`
  return typeof tree === 'string' ? quoted(tree) : (scalarText(tree) ?? 'null')
}

/** A string of JSON in which every character can be seen. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, character =>
    [...Array(character.length).keys()]
      .map(index => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
