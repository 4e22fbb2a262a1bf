// How a person or a script points a client at us: lines to paste. No secret is in them.
import type { Endpoint } from '#model'

export function connectHint({ host, port, resource, ca }: Endpoint): readonly string[] {
  const trust = `--cacert ${ca}`
  return [
    `curl ${trust} -H 'Sallyport-Resource: ${resource}' -H "Authorization: Bearer $SALLYPORT_TOKEN" https://${host}:${port}/`,
    `git -c http.sslCAInfo=${ca} -c http.extraHeader='Sallyport-Resource: ${resource}' clone https://${host}:${port}/REPOSITORY`,
    `https://${resource}.YOUR-DOMAIN:${port}/   # an origin of its own, once names has "*.YOUR-DOMAIN"`,
  ]
}

/** For a local port that asks no password (`sallyport connect`): plain HTTP that does not leave this machine. */
export function environment({ host, port }: Endpoint): { readonly [name: string]: string } {
  return { SALLYPORT_HTTP_URL: localUrl({ host, port }) }
}

export function localUrl({ host, port }: Pick<Endpoint, 'host' | 'port'>): string {
  return `http://${host}:${port}`
}

export function toolArguments({ host, port }: Endpoint): readonly string[] {
  return [`http://${host}:${port}/`]
}
