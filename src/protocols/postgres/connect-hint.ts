// How a person or a script points a client at us: lines to paste, and libpq's environment. No secret is in them.
import type { Endpoint } from '#model'

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

/** For a local port that asks no password (`sallyport connect`, `sallyport run`): any libpq client reads these. */
export function libpqEnvironment({
  host,
  port,
  resource,
}: Endpoint): Readonly<Record<string, string>> {
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: resource,
    PGUSER: 'sallyport',
    // The tunnel is TLS; the last hop does not leave this machine.
    PGSSLMODE: 'disable',
    PGGSSENCMODE: 'disable',
  }
}

/** The same for drivers that take one text. */
export function localUrl({ host, port, resource }: Endpoint): string {
  return `postgresql://sallyport@${host}:${port}/${encodeURIComponent(resource)}?sslmode=disable`
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
