// A search_path as text, split as the server splits it (`SplitIdentifierString`). What servers read in different ways is
// not known here: a name that is missing from a path is a table that nobody judges.

/** In bytes (NAMEDATALEN - 1): the server cuts longer names, and where depends on its encoding. */
const LONGEST_NAME = 63

// ASCII alone: how a server folds other letters hangs on its encoding, and what else is a blank on its version.
const BLANK = '[ \\t\\n\\r\\f]*'
const PLAIN = '[!#-+\\--~][!-+\\--~]*'
const ELEMENT = new RegExp(`${BLANK}(?:"((?:[^"]|"")*)"|(${PLAIN}))${BLANK}(,|$)`, 'y')
const NOTHING = new RegExp(`^${BLANK}$`)

/** Undefined: the server refuses it, or which schemas it means cannot be told. */
export function searchPathOf(text: string): readonly string[] | undefined {
  if (NOTHING.test(text)) return []
  const schemas: string[] = []
  ELEMENT.lastIndex = 0
  for (;;) {
    const found = ELEMENT.exec(text)
    if (found === null) return undefined
    const [, quoted, plain, end] = found
    const schema = quoted?.replaceAll('""', '"') ?? (plain as string).toLowerCase()
    if (Buffer.byteLength(schema) > LONGEST_NAME) return undefined
    schemas.push(schema)
    if (end === '') return schemas
  }
}
