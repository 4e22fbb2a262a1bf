// The columns of an answer: what its definitions say of them, and what the text and the catalog say of where their
// values come from. Sees no value.
import type { ColumnOrigins } from '#engines/sql'
import type { ResultColumn } from '#gateway'
import { type Lineage, type OutputLineage, ProtocolError } from '#model'
import { BINARY, type as types } from './numbers.ts'
import { originOf } from './origins.ts'
import { PayloadReader } from './payload.ts'

export interface ColumnDefinition {
  readonly schema: string
  /** The table that the value is stored in, where the server says one. */
  readonly orgTable: string
  readonly name: string
  readonly orgName: string
  readonly characterSet: number
  readonly type: number
  readonly flags: number
}

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

/** Undefined: malformed. */
export function readColumnDefinition(
  bytes: Uint8Array,
  start: number,
  end: number,
): ColumnDefinition | undefined {
  try {
    const reader = new PayloadReader(bytes, start, end)
    reader.lenencBytes()
    const schema = latin(reader.lenencBytes())
    reader.lenencBytes()
    const orgTable = latin(reader.lenencBytes())
    const name = latin(reader.lenencBytes())
    const orgName = latin(reader.lenencBytes())
    if (reader.count() < 12) return undefined
    const characterSet = reader.uint16()
    reader.uint32()
    const type = reader.uint8()
    const flags = reader.uint16()
    return { schema, orgTable, name, orgName, characterSet, type, flags }
  } catch (error) {
    // Safe: who asked ends the session for it.
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

export type Format = 'text' | 'binary'

/** `outputs`: what the text says of the columns; ignored when it does not fit. */
export function resultColumns(
  definitions: readonly ColumnDefinition[],
  outputs: Lineage['outputs'] | undefined,
  catalog: ColumnOrigins,
  format: Format,
): readonly ResultColumn[] {
  const fits =
    outputs !== undefined && outputs !== 'unknown' && outputs.length === definitions.length
  return definitions.map((definition, index) =>
    resultColumn(definition, fits ? outputs[index] : undefined, catalog, format),
  )
}

function resultColumn(
  definition: ColumnDefinition,
  lineage: OutputLineage | undefined,
  catalog: ColumnOrigins,
  format: Format,
): ResultColumn {
  return {
    name: definition.name,
    format,
    ...formOf(definition),
    ...originOf(definition, lineage, catalog),
  }
}

const TEXTS: ReadonlySet<number> = new Set([
  types.varchar,
  types.enum,
  types.set,
  types.tinyBlob,
  types.mediumBlob,
  types.longBlob,
  types.blob,
  types.varString,
  types.string,
])

function formOf({ type, characterSet }: ColumnDefinition): Pick<ResultColumn, 'textual' | 'form'> {
  if (type === types.json) return { textual: false, form: 'structured' }
  return { textual: TEXTS.has(type) && characterSet !== BINARY && !isWide(characterSet) }
}

/**
 * UCS-2, UTF-16 and UTF-32 by their collations' numbers: nothing that we write or look for is in such bytes. Met only where a
 * session asks for columns in their own character sets.
 */
function isWide(collation: number): boolean {
  // (MariaDB's of Unicode 14 have ranges of their own; its NOPAD ones are the others, 1024 further on.)
  if (collation >= 2048) return collation >= 2560 && collation < 3328
  const id = collation & 1023
  return (
    id === 35 ||
    id === 90 ||
    (id >= 54 && id <= 56) ||
    (id >= 60 && id <= 62) ||
    (id >= 101 && id <= 183) ||
    (id >= 640 && id <= 768)
  )
}

/** How many bytes a value of the type has in a binary row; undefined: they stand behind their length. */
export function fixedBytes(type: number): number | 'dated' | undefined {
  switch (type) {
    case types.null:
      return 0
    case types.tiny:
      return 1
    case types.short:
    case types.year:
      return 2
    case types.long:
    case types.int24:
    case types.float:
      return 4
    case types.longlong:
    case types.double:
      return 8
    // A length of one byte, and as many bytes.
    case types.date:
    case types.time:
    case types.datetime:
    case types.timestamp:
      return 'dated'
    default:
      return undefined
  }
}
