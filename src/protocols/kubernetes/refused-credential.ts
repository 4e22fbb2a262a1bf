// Whose credential a 401 of a cluster is about: the gateway's, or one of the API server's own, which it shows to nodes and to the
// servers of other APIs after it took ours. Clients' own it is never.
import type { RequestInfo } from '#engines/kubernetes'
import { UpstreamError } from '#model'
import { OWN_GROUPS } from './own-groups.ts'

/** What the API server asks of the node that runs the pod. */
const OF_NODES: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward'])
/** How an API server words a 401 that it got itself (apimachinery's NewGenericServerResponse); its own is `Unauthorized` alone. */
const PASSED_ON = /UnexpectedServerResponse|asked for the client to provide credentials/

/** `start`: of the answer's body; undefined: it could not be read. */
export function credentialRefused(info: RequestInfo, start: Uint8Array | undefined): UpstreamError {
  const { group, resource, subresource, isResource } = info
  if (isResource && group === '' && resource === 'pods' && OF_NODES.has(subresource))
    return ofNode(start)
  if (isResource && !OWN_GROUPS.has(group)) return either('what serves that API')
  return ofOurs()
}

function ofNode(start: Uint8Array | undefined): UpstreamError {
  const text = start === undefined ? '' : Buffer.from(start).toString('latin1')
  if (PASSED_ON.test(text))
    return new UpstreamError(
      'upstream_refused',
      "the pod's node (its kubelet) does not take the credential of the cluster's API server, which took the gateway's",
      { hint: 'Tell whoever runs the cluster.' },
    )
  // (Of streams an API server passes on what the node said, word for word: that is no Status.)
  if (/\bStatus\b/.test(text)) return ofOurs()
  return either("the pod's node (its kubelet)")
}

function ofOurs(): UpstreamError {
  return new UpstreamError(
    'upstream_refused',
    "the cluster does not take the gateway's own credential",
    { hint: 'Tell whoever runs the gateway: it has ended, or is of another cluster.' },
  )
}

function either(behind: string): UpstreamError {
  return new UpstreamError(
    'upstream_refused',
    `a credential is not taken: the gateway's own by the cluster, or that of its API server by ${behind}`,
    {
      hint: 'Where the cluster answers other requests, tell whoever runs it; else whoever runs the gateway.',
    },
  )
}
