// Which data class a column has, by the names that configuration lists. Upper and lower case are the same: not every database
// tells them apart, and where one does, a column is rather hidden too often.
import type { ColumnName, DataClass } from '#model'
import { ConfigurationError } from '#model'

/** Columns remembered; more than any catalog that one gateway serves, and a bound on what is kept. */
const MAX_REMEMBERED = 20_000

type Part = (name: string) => boolean
interface Pattern {
  readonly dataClass: DataClass
  /** From the left: schema, table, column; fewer match from the right. */
  readonly parts: readonly Part[]
}

/** Answers with the first of `classes` (so: sort them) that lists the column. */
export function createColumnPatterns(
  classes: readonly DataClass[],
): (column: ColumnName) => DataClass | undefined {
  const patterns = classes.flatMap(dataClass =>
    dataClass.columns.map(text => ({ dataClass, parts: compile(dataClass.name, text) })),
  )
  let remembered = 0
  const byObject = new Map<string, Map<string, DataClass | undefined>>()

  return ({ object, column }) => {
    let columns = byObject.get(object)
    if (columns?.has(column)) return columns.get(column)
    const found = patterns.find(pattern => matches(pattern, object, column))?.dataClass
    if (remembered >= MAX_REMEMBERED) {
      byObject.clear()
      columns = undefined
      remembered = 0
    }
    if (columns === undefined) {
      columns = new Map()
      byObject.set(object, columns)
    }
    columns.set(column, found)
    remembered++
    return found
  }
}

/** A name may itself hold dots: every way to part the object's name is tried, so that none escapes. */
function matches({ parts }: Pattern, object: string, column: string): boolean {
  const last = parts.at(-1)
  if (last === undefined || !last(column)) return false
  if (parts.length === 1) return true
  const [first, second] = parts
  if (first === undefined || second === undefined) return false
  if (parts.length === 2) {
    if (first(object)) return true
    for (let dot = object.indexOf('.'); dot >= 0; dot = object.indexOf('.', dot + 1)) {
      if (first(object.slice(dot + 1))) return true
    }
    return false
  }
  for (let dot = object.indexOf('.'); dot >= 0; dot = object.indexOf('.', dot + 1)) {
    if (first(object.slice(0, dot)) && second(object.slice(dot + 1))) return true
  }
  return false
}

/** One to three parts, `"quoted"` where a name holds a dot. Throws ConfigurationError. */
function compile(dataClass: string, text: string): readonly Part[] {
  const parts = [...text.matchAll(/(?:^|\.)(?:"((?:[^"]|"")+)"|([^".]+))/g)]
  const whole = parts.map(([part]) => part).join('')
  if (whole !== text || text === '' || parts.length > 3) {
    throw new ConfigurationError(
      'configuration_invalid',
      `The column pattern "${text}" of the data class "${dataClass}" is not of the form schema.table.column.`,
    )
  }
  return parts.map(([, quoted, plain]) => {
    if (quoted === undefined) return glob(plain ?? '')
    const name = folded(quoted.replaceAll('""', '"'))
    return value => folded(value) === name
  })
}

/** Letter by letter: `Σ` has another lower case at the end of a word, but none of its own for servers. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll('ς', 'σ')
}

/** `*` stands for any text, the empty one too. Greedy from the left, which is enough for stars alone. */
function glob(text: string): Part {
  const pattern = folded(text)
  if (!pattern.includes('*')) return name => folded(name) === pattern
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop() ?? ''
  return written => {
    const name = folded(written)
    if (name.length < head.length + tail.length) return false
    if (!name.startsWith(head) || !name.endsWith(tail)) return false
    let at = head.length
    const end = name.length - tail.length
    for (const piece of rest) {
      const found = name.indexOf(piece, at)
      if (found < 0 || found + piece.length > end) return false
      at = found + piece.length
    }
    return true
  }
}
