// The whole wiring, once: reads the configuration, builds each room, joins them, and takes them down again in
// reverse. Nothing is decided here.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startApi } from '#api'
import { CONSOLE, type Config, loadConfig, problemLine, watchConfig } from '#config'
import { createMasking } from '#engines/masking'
import { type Masks, type Protocol, SallyportGateway } from '#gateway'
import { ConfigurationError } from '#model'
import { protocols as registry } from '#protocols'
import { type AccessTables, accessMigrations, Grants, Requests } from '#services/access'
import { openAuditLog } from '#services/audit'
import { openDatabase } from '#services/db'
import { createIdentity, identityMigrations } from '#services/identity'
import { createInventory } from '#services/inventory'
import { openPolicies } from '#services/policies'
import { Recordings, type RecordingTables, recordingMigrations } from '#services/recording'
import { createVault, openLocalKey, type Vault } from '#services/vault'
import { createLog, createMetrics } from '#telemetry'
import {
  type Authority,
  dialTcp,
  type Listener,
  listen,
  openServerAuthority,
  type TlsSource,
  tlsIdentity,
} from '#transport'

export interface RunningServer {
  /** Where each listener stands, by name. */
  readonly listeners: ReadonlyMap<string, { host: string; port: number }>
  /** Reads configuration and policies again (SIGHUP). */
  reload(): Promise<void>
  /** Ends every session, writes the last entries, and closes all. */
  stop(): Promise<void>
}

/** Starts a gateway. Throws ConfigurationError with every problem, or what could not be opened. */
export async function startServer(
  file: string,
  protocols: readonly Protocol[] = registry,
): Promise<RunningServer> {
  let config = load(file, protocols)
  const log = createLog()
  const metrics = createMetrics()
  const now = Date.now
  const undo: (() => unknown)[] = []
  try {
    mkdirSync(config.data, { recursive: true, mode: 0o700 })
    const audit = await openAuditLog({
      folder: join(config.data, 'audit'),
      origin: 'sallyport/audit',
      now,
    })
    undo.push(() => audit.close())
    const store = await openDatabase(join(config.data, 'store.sqlite'), [
      identityMigrations,
      accessMigrations,
      recordingMigrations,
    ])
    undo.push(() => store.close())

    const vault = createVault()
    const authority = await openServerAuthority({ folder: config.data, now })
    const tls = await tlsIdentity(tlsSource(config, authority, vault, now), error =>
      log.error({ err: error }, 'tls.renewal_failed'),
    )
    undo.push(() => tls.close())
    const inventory = createInventory(config.resources)
    const identity = await createIdentity({ issuers: config.identity.issuers, store, now })
    undo.push(() => identity.close())
    const policies = await openPolicies({
      folder: config.policies,
      vocabulary: () => ({
        resources: inventory.list().map(({ name, tags }) => ({ name, tags })),
        dataClasses: config.dataClasses.map(({ name }) => name),
      }),
      onProblem: problems => log.error({ problems }, 'policies.refused'),
    })
    undo.push(() => policies.close())
    const tokenKey = openLocalKey(join(config.data, 'masking.key'))
    let masks = buildMasks(config, tokenKey)

    const grants = new Grants(store.tables<AccessTables>(), now)
    await grants.load()
    const requests = new Requests(store.tables<AccessTables>(), now)
    const recordings = new Recordings({
      folder: join(config.data, 'recordings'),
      kysely: store.tables<RecordingTables>(),
      now,
      onChunk: ({ session, ...chunk }) =>
        audit.append({
          kind: 'recording.chunk',
          session,
          details: { recording: session, ...chunk },
        }),
    })
    undo.push(() => recordings.close())
    await recordings.recover()

    const gateway = new SallyportGateway({
      now,
      audit,
      recordings,
      requests,
      grants,
      identity,
      vault,
      inventory,
      policies: () => policies.current(),
      masks: () => masks,
      settings: () => ({ ...config.limits, strict: config.audit.durability === 'strict' }),
      hold: name => ({
        ...config.approvals.hold,
        ...config.resources.find(each => each.name === name)?.hold,
      }),
      tls: () => ({ context: tls.context(), certificate: tls.certificateDer() }),
      dial: (host, port, signal) =>
        dialTcp(host, port, { timeoutMs: config.limits.upstreamLoginMs, signal }),
      log,
      metrics,
    })
    undo.push(() => gateway.stop())
    undo.push(
      policies.onChange(set => {
        audit.append({ kind: 'policies.changed', details: { policySet: set.hash } })
        log.info({ policySet: set.hash }, 'policies.changed')
        gateway.reviewSessions('policy_changed')
      }),
    )

    const listeners = new Map<string, { host: string; port: number }>()
    for (const each of config.listen) {
      const protocol = protocols.find(({ name }) => name === each.name)
      if (protocol === undefined) continue
      const listener: Listener = await listen({
        host: each.host,
        port: each.port,
        maxConnections: config.limits.connections,
        onConnection: socket => protocol.serve(socket, each, gateway),
        onFailure: (where, error) =>
          log.error({ err: error, listener: each.name }, `${where}.failed`),
        onRefused: why => log.warn({ listener: each.name, why }, 'connection.refused'),
      })
      listeners.set(each.name, { host: each.host, port: listener.port })
      undo.push(() => listener.close())
    }

    let ready = false
    const console = config.listen.find(({ name }) => name === CONSOLE)
    if (console !== undefined) {
      const api = await startApi(
        {
          gateway,
          identity,
          inventory,
          recordings,
          requests,
          grants,
          audit,
          policies: () => policies.current(),
          protocols,
          endpoint: name => listeners.get(name),
          ca: join(config.data, 'ca.pem'),
          now,
          ready: () => ready && !audit.failed,
          metrics: () => metrics.text(),
          log,
        },
        console,
        tls.pem(),
      )
      undo.push(tls.onChange(() => api.useCertificate(tls.pem())))
      listeners.set(CONSOLE, { host: console.host, port: api.port })
      undo.push(() => api.close())
    }

    const watch = watchConfig(file, protocols, {
      current: config,
      onProblems: problems => {
        log.error({ problems: problems.map(problemLine) }, 'configuration.refused')
      },
      onChange: changed => {
        config = changed
        masks = buildMasks(changed, tokenKey)
        inventory.replace(changed.resources)
        identity.update(changed.identity.issuers)
        audit.append({
          kind: 'resources.changed',
          details: { resources: changed.resources.map(({ name }) => name) },
        })
        log.info({}, 'configuration.changed')
        gateway.reviewSessions('resource_changed')
      },
    })
    undo.push(() => watch.close())
    ready = true
    log.info({ listeners: Object.fromEntries(listeners) }, 'server.ready')
    return {
      listeners,
      reload: async () => {
        watch.reload()
        await policies.reload()
        await tls.reload()
      },
      stop: async () => {
        ready = false
        await takeDown(undo)
        log.info({}, 'server.stopped')
      },
    }
  } catch (error) {
    // Not passed over: what was opened is closed, and the start fails with the reason.
    await takeDown(undo)
    throw error
  }
}

async function takeDown(undo: (() => unknown)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step()
}

function load(file: string, protocols: readonly Protocol[]): Config {
  const { config, problems } = loadConfig(file, protocols)
  if (config === undefined) {
    throw new ConfigurationError('configuration_invalid', problems.map(problemLine).join('\n'))
  }
  return config
}

function buildMasks(config: Config, tokenKey: Uint8Array): Masks {
  const classes = config.dataClasses
  return {
    classes,
    masking: createMasking({ classes, tokenKey }),
    redaction: createMasking({
      classes: classes.map(each => ({ ...each, mask: 'redact' as const })),
      tokenKey,
    }),
  }
}

/** The operator's own certificate, or one of our CA's. */
function tlsSource(
  config: Config,
  authority: Authority,
  vault: Vault,
  now: () => number,
): TlsSource {
  const { tls, names } = config
  if (tls === undefined) return { kind: 'own', authority, names, now }
  return {
    kind: 'given',
    load: async () => {
      const [certificate, key] = await Promise.all([
        vault.resolve(tls.certificate),
        vault.resolve(tls.key),
      ])
      return { certificate: certificate.reveal(), key: key.reveal() }
    },
  }
}
