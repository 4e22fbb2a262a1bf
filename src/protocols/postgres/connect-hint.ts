// The lines that a person can paste to connect. Knows psql's words; no secret is in them.
import type { Endpoint } from '#gateway'

/** A line for an identity token, one for an ephemeral credential, and a URL for drivers. */
export function connectHint({ host, port, resource, ca }: Endpoint): readonly string[] {
  const trust = `sslmode=verify-full sslrootcert=${quoted(ca)}`
  const place = `host=${quoted(host)} port=${port} dbname=${quoted(resource)}`
  return [
    `PGPASSWORD="$SALLYPORT_TOKEN" psql ${shell(`${place} user=token ${trust}`)}`,
    `PGPASSWORD=SECRET psql ${shell(`${place} user=CREDENTIAL_ID ${trust}`)}   # from: sallyport credential ${resource}`,
    url({ host, port, resource, ca }),
  ]
}

function url({ host, port, resource, ca }: Endpoint): string {
  const address = host.includes(':') ? `[${host}]` : host
  const query = `sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}`
  return `postgresql://CREDENTIAL_ID:SECRET@${address}:${port}/${encodeURIComponent(resource)}?${query}`
}

/** libpq's connection string: quotes only where they are needed. */
function quoted(value: string): string {
  return /^[A-Za-z0-9_./:@+-]+$/.test(value)
    ? value
    : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function shell(text: string): string {
  return text.includes("'") ? `"${text.replaceAll(/["\\$`]/g, '\\$&')}"` : `'${text}'`
}
