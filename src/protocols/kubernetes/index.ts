// Kubernetes: the room's door. What a request means here, and where it goes; all else of a request is the proxy's.
import { readStatement } from '#engines/kubernetes'
import { secretClass } from '#engines/kubernetes-answers'
import type { Protocol } from '#gateway'
import { type Dialect, ReverseProxy, Upstreams } from '#proxy'
import { ClusterAccess } from './access.ts'
import { NAMING, resourceOf } from './cluster-path.ts'
import { connectHint, serverOf } from './connect-hint.ts'
import { denial } from './denial.ts'
import { execSettings } from './exec-plugin.ts'
import { kubeconfig } from './kubeconfig.ts'
import { PluginCredentials } from './plugin-credentials.ts'
import { type KubernetesSettings, kubernetesSettings, oneOf, secretFields } from './settings.ts'
import { UPGRADES } from './streams/negotiation.ts'

export type { KubernetesSettings } from './settings.ts'

/** Each watch keeps one, and controllers have dozens. */
const MOST_CONNECTIONS = 4_096

/** What a command or a log says is read at a person's pace, through a pager, or a terminal that stands still. */
const PAGER_MS = 3_600_000

/** The protocol. One per process: it holds the connections to clusters. */
export function createKubernetes(): Protocol<KubernetesSettings> {
  const proxy = new ReverseProxy(new Upstreams(MOST_CONNECTIONS))

  const parts = { upstreams: proxy.upstreams, plugins: new PluginCredentials() }

  const protocol: Protocol<KubernetesSettings> = {
    name: 'kubernetes',
    label: 'Kubernetes',
    defaultPort: 16443,
    settings: kubernetesSettings,
    secretFields,
    oneOf,
    credentialMaps: { exec: execSettings },
    dataClasses: [secretClass],
    recording: 'exchanges',
    connectHint,
    tool: {
      command: ['kubectl'],
      environment: () => ({}),
      url: endpoint => serverOf(endpoint, { plain: true }),
      file: kubeconfig,
    },
    read: async text => readStatement(text),
    readAt: async text => readStatement(text),
    serve: (socket, listener, gateway) => proxy.serve(socket, listener, gateway, dialect),
  }

  const dialect = {
    protocol,
    limits: { writeIdleMs: PAGER_MS },
    upgrades: UPGRADES,
    naming: NAMING,
    resourceOf,
    denial,
    // kubectl waits as long as it takes.
    waitMs: () => undefined,
    access: session => new ClusterAccess(session, parts),
  } satisfies Dialect<KubernetesSettings>
  return protocol
}
