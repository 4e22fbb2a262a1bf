// The rest of a cluster, played over the API by whoever holds an administrator's token: deployments become replica sets
// and pods, pods run, what owned nothing is collected. The same in front of the stand-in and of a real API server.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { isObject, items, type Json, type KubeObject, text } from './objects.ts'

export interface Controllers {
  stop(): void
}

export interface Api {
  readonly url: string
  /** Path of the authority's certificate. */
  readonly ca: string
  readonly token: string
}

export const NODE = 'n1'

const REVISION = 'deployment.kubernetes.io/revision'

export async function startControllers(api: Api): Promise<Controllers> {
  const rest = restOf(api)
  const stopping = new AbortController()
  const pods = new Map<string, KubeObject>()
  const sets = new Map<string, KubeObject>()
  const deployments = new Map<string, KubeObject>()
  const keyOf = (object: KubeObject) => `${object.metadata.namespace}/${object.metadata.name}`
  const path = (object: KubeObject, group: string, resource: string) =>
    `${group}/namespaces/${object.metadata.namespace}/${resource}/${object.metadata.name}`
  const owned = (objects: Map<string, KubeObject>, uid: string | undefined) =>
    [...objects.values()].filter(
      one => uid !== undefined && one.metadata.ownerReferences?.some(owner => owner.uid === uid),
    )
  let work = Promise.resolve()
  /** One step after the other; what failed is tried at the next change. */
  const then = (step: () => Promise<unknown>) => {
    work = work.then(step).then(
      () => {},
      () => {},
    )
  }

  async function deploy(deployment: KubeObject): Promise<void> {
    const { metadata } = deployment
    const spec = deployment['spec'] as Json
    const template = spec['template'] as Json
    const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 9)
    const name = `${metadata.name}-${hash}`
    const mine = owned(sets, metadata.uid)
    const revisions = mine.map(set => Number(set.metadata.annotations?.[REVISION] ?? 0))
    const latest = Math.max(0, ...revisions)
    const current = mine.find(set => set.metadata.name === name)
    const number = Number(current?.metadata.annotations?.[REVISION] ?? 0)
    const revision = number !== 0 && number === latest ? latest : latest + 1
    const replicas = Number(spec['replicas'] ?? 1)
    const base = `/apis/apps/v1/namespaces/${metadata.namespace}`
    const labels = {
      ...(text(template, 'metadata', 'labels')
        ? ((template['metadata'] as Json)['labels'] as Json)
        : {}),
      'pod-template-hash': hash,
    }
    if (current === undefined) {
      const made = await rest('POST', `${base}/replicasets`, {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name,
          labels,
          annotations: { [REVISION]: String(revision) },
          ownerReferences: [owner(deployment, 'apps/v1', 'Deployment')],
        },
        spec: {
          replicas,
          selector: { matchLabels: labels },
          template: { ...template, metadata: { ...(template['metadata'] as Json), labels } },
        },
      })
      if (isObject(made) && made['kind'] === 'ReplicaSet')
        sets.set(`${metadata.namespace}/${name}`, made as unknown as KubeObject)
    } else if (number !== revision || Number(text(current, 'spec', 'replicas')) !== replicas)
      await rest('PATCH', `${base}/replicasets/${name}`, {
        metadata: { annotations: { [REVISION]: String(revision) } },
        spec: { replicas },
      })
    for (const set of mine)
      if (set.metadata.name !== name && text(set, 'spec', 'replicas') !== '0')
        await rest('PATCH', `${base}/replicasets/${set.metadata.name}`, { spec: { replicas: 0 } })
    if (metadata.annotations?.[REVISION] !== String(revision))
      await rest('PATCH', path(deployment, '/apis/apps/v1', 'deployments'), {
        metadata: { annotations: { [REVISION]: String(revision) } },
      })
    const status = {
      observedGeneration: metadata.generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: [
        condition('Available', 'MinimumReplicasAvailable'),
        condition('Progressing', 'NewReplicaSetAvailable'),
      ],
    }
    if (text(deployment, 'status', 'observedGeneration') !== String(metadata.generation))
      await rest('PATCH', `${path(deployment, '/apis/apps/v1', 'deployments')}/status`, { status })
  }

  async function replicate(set: KubeObject): Promise<void> {
    const replicas = Number(text(set, 'spec', 'replicas') || 0)
    const mine = owned(pods, set.metadata.uid).filter(pod => !pod.metadata.deletionTimestamp)
    const base = `/api/v1/namespaces/${set.metadata.namespace}/pods`
    for (const pod of mine.slice(replicas)) await rest('DELETE', `${base}/${pod.metadata.name}`)
    const template = (set['spec'] as Json)['template'] as Json
    for (let missing = replicas - mine.length; missing > 0; missing -= 1) {
      const made = await rest('POST', base, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          ...(template['metadata'] as Json),
          generateName: `${set.metadata.name}-`,
          ownerReferences: [owner(set, 'apps/v1', 'ReplicaSet')],
        },
        spec: template['spec'],
      })
      if (isObject(made) && made['kind'] === 'Pod') {
        const pod = made as unknown as KubeObject
        pods.set(keyOf(pod), pod)
      }
    }
    const { generation } = set.metadata
    const said = [text(set, 'status', 'readyReplicas'), text(set, 'status', 'observedGeneration')]
    if (said.join() !== [replicas, generation].join())
      await rest('PATCH', `${path(set, '/apis/apps/v1', 'replicasets')}/status`, {
        status: {
          observedGeneration: generation,
          replicas,
          readyReplicas: replicas,
          availableReplicas: replicas,
        },
      })
  }

  /** What the kubelet does: binds the pod, says that it runs, and lets it go. */
  async function run(pod: KubeObject): Promise<void> {
    const at = path(pod, '/api/v1', 'pods')
    if (pod.metadata.deletionTimestamp)
      return void (await rest('DELETE', `${at}?gracePeriodSeconds=0`))
    if (text(pod, 'spec', 'nodeName') === '')
      await rest('POST', `${at}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: pod.metadata.name },
        target: { kind: 'Node', name: NODE },
      })
    const running = (list: string) =>
      items(pod, 'spec', list).map(one => ({
        name: text(one, 'name'),
        image: text(one, 'image'),
        imageID: '',
        containerID: `stand-in://${text(one, 'name')}`,
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: pod.metadata.creationTimestamp } },
      }))
    const known = items(pod, 'status', 'ephemeralContainerStatuses').length
    if (
      text(pod, 'status', 'phase') === 'Running' &&
      known === items(pod, 'spec', 'ephemeralContainers').length
    )
      return
    await rest('PATCH', `${at}/status`, {
      status: {
        phase: 'Running',
        podIP: '127.0.0.1',
        hostIP: '127.0.0.1',
        conditions: [condition('Ready', ''), condition('Initialized', '')],
        containerStatuses: running('containers'),
        ephemeralContainerStatuses: running('ephemeralContainers'),
      },
    })
  }

  const orphans = (objects: Map<string, KubeObject>, gone: KubeObject, collection: string) => {
    for (const one of owned(objects, gone.metadata.uid))
      then(() =>
        rest(
          'DELETE',
          `${collection.replace('NS', one.metadata.namespace ?? '')}/${one.metadata.name}`,
        ),
      )
  }

  const follow = (
    list: string,
    objects: Map<string, KubeObject>,
    changed: (object: KubeObject) => Promise<void>,
    gone: (object: KubeObject) => void,
  ) =>
    followed(api, list, stopping.signal, (what, object) => {
      if (what === 'DELETED') {
        objects.delete(keyOf(object))
        gone(object)
      } else {
        objects.set(keyOf(object), object)
        then(() => changed(objects.get(keyOf(object)) ?? object))
      }
    })

  await rest('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } })
  await Promise.all([
    follow('/api/v1/pods', pods, run, pod => {
      const uid = pod.metadata.ownerReferences?.[0]?.uid
      for (const set of sets.values()) if (set.metadata.uid === uid) then(() => replicate(set))
    }),
    follow('/apis/apps/v1/replicasets', sets, replicate, set =>
      orphans(pods, set, '/api/v1/namespaces/NS/pods'),
    ),
    follow('/apis/apps/v1/deployments', deployments, deploy, one =>
      orphans(sets, one, '/apis/apps/v1/namespaces/NS/replicasets'),
    ),
  ])
  return { stop: () => stopping.abort() }
}

const owner = (object: KubeObject, apiVersion: string, kind: string) => ({
  apiVersion,
  kind,
  name: object.metadata.name,
  uid: object.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
})

const condition = (type: string, reason: string) => ({ type, status: 'True', reason })

export type Rest = (method: string, path: string, body?: unknown) => Promise<unknown>

/** Answers with the object or the Status of the refusal. */
export function restOf(api: Api): Rest {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const ca = readFileSync(api.ca)
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const type =
        method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json'
      const asked = request(
        `${api.url}${path}`,
        {
          method,
          ca,
          agent,
          headers: { authorization: `Bearer ${api.token}`, 'content-type': type },
        },
        response => {
          let said = ''
          response.setEncoding('utf8').on('data', piece => {
            said += piece
          })
          response.on('end', () => {
            try {
              resolve(JSON.parse(said))
            } catch {
              // Plain text, of a proxy or of health: nothing that a caller reads.
              resolve(said)
            }
          })
          response.on('error', reject)
        },
      )
      asked.on('error', reject)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
}

/** Lists and watches; returns when the watch stands. */
async function followed(
  api: Api,
  path: string,
  signal: AbortSignal,
  hear: (what: string, object: KubeObject) => void,
): Promise<void> {
  const list = (await restOf(api)('GET', path)) as Json
  for (const one of items(list, 'items')) hear('ADDED', one as KubeObject)
  const since = text(list, 'metadata', 'resourceVersion')
  await new Promise<void>((resolve, reject) => {
    const asked = request(
      `${api.url}${path}?watch=true&resourceVersion=${since}`,
      {
        ca: readFileSync(api.ca),
        agent: false,
        signal,
        headers: { authorization: `Bearer ${api.token}` },
      },
      response => {
        let rest = ''
        response.setEncoding('utf8').on('data', piece => {
          const lines = (rest + piece).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) {
            const { type, object } = JSON.parse(line)
            hear(type, object)
          }
        })
        response.on('error', () => {})
        resolve()
      },
    )
    // After the watch stands, its end is the end of the test.
    asked.on('error', reject)
    asked.end()
  })
}
