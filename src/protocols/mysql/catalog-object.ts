// How a relation is called in policies, masks and the audit log.

/** `database.table`; a part with a dot or a quote in it stands in double quotes. */
export function objectName(schema: string, name: string): string {
  return `${part(schema)}.${part(name)}`
}

/** Undefined: the name has no database. */
export function splitName(object: string): { schema: string; name: string } | undefined {
  const match = /^("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(object)
  const [, schema, name] = match ?? []
  if (schema === undefined || name === undefined) return undefined
  return { schema: unquoted(schema), name: unquoted(name) }
}

function unquoted(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written
}

function part(name: string): string {
  return /[".]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
