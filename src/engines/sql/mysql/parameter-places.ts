// Where `?` stands in a text. The server counts parameters by the text; the parser's tree has them in another order.
import { heldIn, isTree } from './syntax-tree.ts'

interface Place {
  readonly key: string
  readonly line: number
  readonly column: number
}

export function placeOf(span: unknown): Place | undefined {
  const start = isTree(span) ? span['start'] : undefined
  if (!isTree(start)) return undefined
  const { line, column } = start
  if (typeof line !== 'number' || typeof column !== 'number') return undefined
  return { key: `${line}:${column}`, line, column }
}

/** Of all parameters, in the order of the text. */
export function parameterPlaces(tree: unknown): readonly string[] {
  const found: Place[] = []
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const each of value) walk(each)
      return
    }
    if (!isTree(value)) return
    if (heldIn(value['value'], 'Placeholder') === '?') {
      const place = placeOf(value['span'])
      if (place !== undefined) found.push(place)
      return
    }
    for (const field in value) walk(value[field])
  }
  walk(tree)
  found.sort((one, other) => one.line - other.line || one.column - other.column)
  return found.map(({ key }) => key)
}
