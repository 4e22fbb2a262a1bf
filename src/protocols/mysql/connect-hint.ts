// How a person or a script points a client at us: lines to paste, and the environment of the command-line clients. No
// secret is in them.
import type { Endpoint } from '#model'

/** A line for an identity token, one for an ephemeral credential, and a URL for drivers. */
export function connectHint({ host, port, resource, ca }: Endpoint): readonly string[] {
  const place = `-h ${shell(host)} -P ${port} --ssl-ca=${shell(ca)}`
  return [
    `MYSQL_PWD="$SALLYPORT_TOKEN" mysql ${place} --ssl-mode=VERIFY_IDENTITY -u token ${shell(resource)}`,
    `MYSQL_PWD="$SALLYPORT_TOKEN" mariadb ${place} --ssl-verify-server-cert -u token ${shell(resource)}`,
    `MYSQL_PWD=SECRET mysql ${place} --ssl-mode=VERIFY_IDENTITY -u CREDENTIAL_ID ${shell(resource)}   # from: sallyport credential ${resource}`,
    `mysql://CREDENTIAL_ID:SECRET@${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(resource)}`,
  ]
}

/** For a local port that asks no password (`sallyport connect`, `sallyport run`). */
export function clientEnvironment({ host, port }: Endpoint): Readonly<Record<string, string>> {
  return { MYSQL_HOST: host, MYSQL_TCP_PORT: String(port) }
}

/** The same for drivers that take one text. */
export function localUrl({ host, port, resource }: Endpoint): string {
  return `mysql://sallyport@${host}:${port}/${encodeURIComponent(resource)}`
}

/** What the environment does not steer. */
export function clientArguments({ host, port, resource }: Endpoint): readonly string[] {
  return ['-h', host, '-P', String(port), '--protocol=TCP', '-u', 'sallyport', resource]
}

function shell(text: string): string {
  return /^[A-Za-z0-9_./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
