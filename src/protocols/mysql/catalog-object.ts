// How a relation is called in policies, masks and the audit log.

/** `database.table`; a part with a dot or a quote in it stands in double quotes. */
export function objectName(schema: string, name: string): string {
  return `${part(schema)}.${part(name)}`
}

function part(name: string): string {
  return /[".]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name
}
