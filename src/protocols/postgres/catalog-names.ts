// How objects of a catalog are named in statements and policies.
import type { ColumnName } from '#model'

/** `schema.name`; a part with a dot or a quote in it stands in double quotes. */
export function qualifiedName(schema: string, name: string): string {
  return `${part(schema)}.${part(name)}`
}

/** Equal for equal columns. */
export function columnKey({ object, column }: ColumnName): string {
  return `${object}\u0000${column}`
}

function part(name: string): string {
  return /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
