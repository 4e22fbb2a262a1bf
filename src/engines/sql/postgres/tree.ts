// Reads the parser's JSON. A node is `{ Type: fields }`; a field of a fixed type holds bare fields.
// Knows nothing of what the nodes mean.

/** The fields of a node. Absent fields are the grammar's zero values. */
export interface Tree {
  readonly [field: string]: unknown
}

const NOTHING: readonly unknown[] = []

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field's list; empty when absent. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NOTHING
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The type of a wrapped node: its only key starts with a capital letter; fields start with a small one. */
export function typeOf(value: unknown): string | undefined {
  if (!isTree(value)) return undefined
  for (const key in value) {
    const first = key.charCodeAt(0)
    return first >= 65 && first <= 90 ? key : undefined
  }
  return undefined
}

/** The fields of a wrapped node when it is of that type. */
export function fieldsOf(value: unknown, type: string): Tree | undefined {
  if (!isTree(value)) return undefined
  const fields = value[type]
  return isTree(fields) ? fields : undefined
}

/** The text of a `String` node. */
export function nameOf(value: unknown): string | undefined {
  const fields = fieldsOf(value, 'String')
  // An empty text is the field's zero value, and left out.
  return fields === undefined ? undefined : (textOf(fields['sval']) ?? '')
}

/** The texts of a list of `String` nodes; others (a star) are left out. */
export function namesOf(value: unknown): string[] {
  const names: string[] = []
  for (const each of listOf(value)) {
    const name = nameOf(each)
    if (name !== undefined) names.push(name)
  }
  return names
}

/** The value of a constant; undefined when the node is none. NULL is null; a bit string is none. */
export function constantOf(value: unknown): string | number | boolean | null | undefined {
  const fields = fieldsOf(value, 'A_Const')
  if (fields === undefined) return undefined
  if (fields['isnull'] === true) return null
  if (isTree(fields['ival'])) return numberOf(fields['ival']['ival'])
  if (isTree(fields['sval'])) return textOf(fields['sval']['sval']) ?? ''
  if (isTree(fields['boolval'])) return fields['boolval']['boolval'] === true
  if (isTree(fields['fval'])) return Number(textOf(fields['fval']['fval']))
  return undefined
}

export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** True when two trees say the same, wherever they stand in the text. */
export function sameTree(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((each, index) => sameTree(each, other[index]))
    )
  }
  if (!isTree(one) || !isTree(other)) return false
  const keys = Object.keys(one).filter(key => key !== 'location')
  const others = Object.keys(other).filter(key => key !== 'location')
  return keys.length === others.length && keys.every(key => sameTree(one[key], other[key]))
}

/** True when `found` holds for a node of the tree (given its type and fields), at any depth. */
export function someNode(value: unknown, found: (type: string, fields: Tree) => boolean): boolean {
  if (Array.isArray(value)) return value.some(each => someNode(each, found))
  if (!isTree(value)) return false
  for (const key in value) {
    const inner = value[key]
    if (isTree(inner) && key.charCodeAt(0) <= 90 && found(key, inner)) return true
    if (someNode(inner, found)) return true
  }
  return false
}
