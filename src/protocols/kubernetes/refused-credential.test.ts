import { describe, expect, it } from 'vitest'
import { requestInfo } from '#engines/kubernetes'
import { credentialRefused } from './refused-credential.ts'

const POD = '/api/v1/namespaces/default/pods/web-1'
const OURS = "the cluster does not take the gateway's own credential"
const NODES =
  /^the pod's node \(its kubelet\) does not take the credential of the cluster's API server/

/** As apimachinery makes them (NewUnauthorized; NewGenericServerResponse, of what a node said). */
const OWN =
  '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}'
const PASSED_ON =
  '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server has asked for the client to provide credentials ( pods/log web-1)","reason":"Unauthorized","details":{"name":"web-1","kind":"pods/log","causes":[{"reason":"UnexpectedServerResponse","message":"Unauthorized"}]},"code":401}'

const said = (path: string, start: string | undefined, method = 'GET') =>
  credentialRefused(
    requestInfo(method, path, undefined),
    start === undefined ? undefined : Buffer.from(start),
  ).message

describe('whose credential a 401 of a cluster is about', () => {
  it('is the gateway’s where the API server answers for itself', () => {
    for (const path of [POD, '/version', '/apis', '/apis/apps/v1/deployments', '/api/v1/secrets'])
      expect(said(path, OWN)).toBe(OURS)
    for (const part of ['log', 'exec', 'attach', 'portforward'])
      expect(said(`${POD}/${part}`, OWN)).toBe(OURS)
  })

  it('is the API server’s own where it passes on what the pod’s node said', () => {
    expect(said(`${POD}/log`, PASSED_ON)).toMatch(NODES)
    // (In protobuf, as some clients ask for it, the same words stand between other bytes.)
    const binary = `k8s\0\n\f\n\x02v1\x12\x06Status\x12\x99${PASSED_ON.slice(80, 200)}`
    expect(said(`${POD}/log`, binary)).toMatch(NODES)
  })

  it('is either where it cannot be told: both are named', () => {
    // What a node says to a stream comes word for word; so does what a proxy before the cluster says.
    const paths = ['exec', 'attach', 'portforward', 'log'].map(part => `${POD}/${part}`)
    for (const path of paths)
      for (const start of ['Unauthorized', '<html>401</html>', '', undefined]) {
        expect(said(path, start, 'POST')).toContain("the gateway's own by the cluster, or ")
        expect(said(path, start, 'POST')).toContain("the pod's node (its kubelet)")
      }
    for (const start of [OWN, undefined])
      expect(said('/apis/metrics.k8s.io/v1beta1/nodes', start)).toContain('what serves that API')
  })

  it('is not told by words of an answer about anything else than a pod’s node', () => {
    expect(said('/api/v1/configmaps', PASSED_ON)).toBe(OURS)
    expect(said('/apis/apps/v1/namespaces/x/deployments/web-1/log', PASSED_ON)).toBe(OURS)
  })
})
