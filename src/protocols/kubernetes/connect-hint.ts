// How a person or a script points a client at us: lines to paste. No secret is in them.
import type { Endpoint } from '#model'
import { ownPath } from './cluster-path.ts'

export function connectHint({ host, port, resource, ca }: Endpoint): readonly string[] {
  return [
    `sallyport connect ${resource} --write   # a kubeconfig for kubectl, helm and k9s`,
    `sallyport connect ${resource} -- kubectl get pods`,
    `kubectl --server ${serverOf({ host, port, resource })} --certificate-authority ${ca} --token "$SALLYPORT_TOKEN" get pods`,
  ]
}

export function serverOf(
  { host, port, resource }: Pick<Endpoint, 'host' | 'port' | 'resource'>,
  // A local port is plain: what goes through it stays on this machine, or in the tunnel.
  { plain = false } = {},
): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `http${plain ? '' : 's'}://${name}:${port}${ownPath(resource)}`
}
