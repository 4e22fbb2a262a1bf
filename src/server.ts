// The whole wiring, once: reads the configuration, builds each room, joins them, and takes them down again in
// reverse. Nothing is decided here.
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApi, Web } from '#api'
import {
  CONSOLE,
  type Config,
  differentSettings,
  loadConfig,
  needRestart,
  patternEngine,
  problemLine,
  watchConfig,
} from '#config'
import { paths } from '#contract'
import { createPatternDetector, detectorRules } from '#engines/masking'
import { createMasks, type Masks, type Protocol, SallyportGateway } from '#gateway'
import { ConfigurationError, isGatewayError } from '#model'
import { protocols as registry } from '#protocols'
import { type AccessTables, accessMigrations, Grants, Requests } from '#services/access'
import { openAuditLog } from '#services/audit'
import { Channels, type ChannelTables, channelMigrations, toldEntry } from '#services/channels'
import { openDatabase } from '#services/db'
import { Explainer } from '#services/explaining'
import { createIdentity, identityMigrations } from '#services/identity'
import { createInventory } from '#services/inventory'
import { HotPlugins, type Plugins } from '#services/plugins'
import {
  openPolicies,
  PolicyHistory,
  policyChange,
  policyMigrations,
  Workbench,
} from '#services/policies'
import { Recordings, type RecordingTables, recordingMigrations } from '#services/recording'
import { createVault, openLocalKey, type Vault } from '#services/vault'
import { createLog, createMetrics, type Log } from '#telemetry'
import {
  type Authority,
  dialTcp,
  type Listener,
  listen,
  openGatewayKeys,
  openServerAuthority,
  serverNames,
  type TlsSource,
  tlsIdentity,
} from '#transport'

export interface RunningServer {
  /** Where each listener stands, by name. */
  readonly listeners: ReadonlyMap<string, { host: string; port: number }>
  readonly log: Log
  /** Reads configuration and policies again (SIGHUP). */
  reload(): Promise<void>
  /** Ends every session, writes the last entries, and closes all. */
  stop(): Promise<void>
}

/** Steps of a stop that hang are left behind: SIGTERM ends the process within 10 s. */
const STEP_MS = 2_500
/** What clients get, from the stop of their session to the end of their connection. */
const LAST_WORDS_MS = 1_500
/** Certificates of the operator are replaced on disk by whoever renews them. */
const TLS_LOOK_MS = 30_000

const EXPIRE_MS = 5_000

/** How the file's own detectors are checked; the engine for patterns is loaded with the first of them. */
const masking = detectorRules(() => patternEngine)

export interface ServerOptions {
  readonly protocols?: readonly Protocol[]
  /** Sets a log aside that cannot be continued, and begins a new one that says so. */
  readonly fork?: boolean
}

/** Starts a gateway. Throws ConfigurationError with every problem, or what could not be opened. */
export async function startServer(
  file: string,
  { protocols = registry, fork = false }: ServerOptions = {},
): Promise<RunningServer> {
  let config = load(file, protocols)
  const log = createLog()
  const metrics = createMetrics()
  const now = Date.now
  const undo: (() => unknown)[] = []
  try {
    makeDataFolder(config.data)
    const audit = await openAuditLog({
      folder: join(config.data, 'audit'),
      origin: 'sallyport/audit/1',
      now,
      fork,
    })
    undo.push(() => audit.close())
    const store = await openDatabase(join(config.data, 'store.sqlite'), [
      identityMigrations,
      accessMigrations,
      recordingMigrations,
      policyMigrations,
      channelMigrations,
    ])
    undo.push(() => store.close())

    const vault = createVault({ onExposed: file => log.warn({ file }, 'secret.exposed') })
    const authority = await openServerAuthority({ folder: config.data, now })
    const tls = await tlsIdentity(tlsSource(config, authority, vault, now), error =>
      log.error({ err: error }, 'tls.renewal_failed'),
    )
    undo.push(() => tls.close())
    const keys = openGatewayKeys(config.data)
    const listeners = new Map<string, { host: string; port: number }>()
    const inventory = createInventory(config.resources)
    const consoleUrl = (): string =>
      config.url ?? `https://127.0.0.1:${listeners.get(CONSOLE)?.port}`
    const { login } = config.identity
    const identity = await createIdentity({
      issuers: config.identity.issuers,
      certificates: config.identity.certificates,
      store,
      now,
      ...(login === undefined
        ? {}
        : {
            login: {
              settings: login,
              clientSecret: async () =>
                login.clientSecret === undefined ? undefined : vault.resolve(login.clientSecret),
              callback: () => `${consoleUrl()}${paths.callback}`,
            },
          }),
    })
    undo.push(() => identity.close())
    const vocabulary = () => ({
      resources: inventory.list().map(({ name, tags }) => ({ name, tags })),
      dataClasses: config.classNames,
    })
    const policyHistory = new PolicyHistory(store, now)
    const policies = await openPolicies({
      ...config.policies,
      history: policyHistory,
      vocabulary,
      onProblem: problems =>
        problems.some(({ severity }) => severity === 'error')
          ? log.error({ problems }, 'policies.refused')
          : log.warn({ problems }, 'policies.doubtful'),
    })
    undo.push(() => policies.close())
    const workbench = new Workbench()
    undo.push(() => workbench.close())
    const tokenKey = openLocalKey(join(config.data, 'masking.key'))
    const plugins = await HotPlugins.open(config.plugins, {
      log,
      now,
      failed: (plugin, why) => metrics.pluginFailed(plugin, why),
    })
    undo.push(() => plugins.close())
    let masks = masksOf(config, tokenKey, plugins.current, protocols)

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
      forget: () => store.forget(),
      onTrouble: error => log.error({ err: error }, 'recording.index_failed'),
    })
    undo.push(() => recordings.close())
    const explainer = new Explainer()
    undo.push(() => explainer.close())
    for (const session of await recordings.recover())
      audit.append({ kind: 'session.closed', session, result: { reason: 'failed' } })
    // In the background: until it is done, older sessions are not found by what was asked in them.
    void recordings
      .indexMissing()
      .catch(error => log.error({ err: error }, 'recording.index_failed'))

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
      keys,
      names: () => serverNames(config.names),
      devicePage: () =>
        login === undefined || (config.url === undefined && !listeners.has(CONSOLE))
          ? undefined
          : `${consoleUrl()}${paths.device}`,
      tls: () => ({
        context: tls.context(),
        certificate: tls.certificateDer(),
        get asking() {
          const authorities = identity.certificateAuthorities()
          return authorities === '' ? undefined : tls.asking(authorities)
        },
      }),
      dial: (host, port, signal) =>
        dialTcp(host, port, { timeoutMs: config.limits.upstreamLoginMs, signal }),
      log,
      metrics,
    })
    await gateway.grantLeftOut()
    const channels = new Channels({
      kysely: store.tables<ChannelTables>(),
      now,
      secret: reference => vault.resolve(reference),
      url: () => config.url,
      find: id => requests.find(id),
      pending: () => requests.list({ states: ['pending'], limit: 1_000 }),
      onOutcome: delivery => onRecord(log, () => audit.append(toldEntry(delivery))),
      log,
    })
    undo.push(() => channels.stop())
    undo.push(requests.onChange(request => channels.heard(request)))
    await channels.start(config.channels)
    // Nobody's act and no list's: whoever was told that something waits is told that it no longer does.
    const expiring = setInterval(
      () =>
        requests.expireDue().catch(error => log.error({ err: error }, 'requests.expire_failed')),
      EXPIRE_MS,
    )
    expiring.unref()
    undo.push(() => clearInterval(expiring))
    /** Ends together: clients hear why while their connections are still there. */
    const doors: (() => Promise<unknown>)[] = [() => gateway.stop()]
    undo.push(() => Promise.all(doors.map(close => close())))
    let inForce = policies.current()
    undo.push(
      policies.onChange((set, by) => {
        onRecord(log, () =>
          audit.append({
            kind: 'policies.changed',
            details: {
              folder: config.policies.folder,
              ...policyChange(inForce, set),
              ...(by === undefined ? {} : { by }),
            },
          }),
        )
        inForce = set
        log.info({ policySet: set.hash }, 'policies.changed')
        gateway.reviewSessions('policy_changed')
      }),
    )

    for (const each of config.listen) {
      const protocol = protocols.find(({ name }) => name === each.name)
      if (protocol === undefined) continue
      const listener: Listener = await listen({
        host: each.host,
        port: each.port,
        maxConnections: config.limits.connections,
        ...(config.limits.connectionsPerAddress === undefined
          ? {}
          : { perIpLimit: config.limits.connectionsPerAddress }),
        onConnection: socket => protocol.serve(socket, each, gateway),
        onFailure: (where, error) =>
          log.error({ err: error, listener: each.name }, `${where}.failed`),
        onRefused: why => log.warn({ listener: each.name, why }, 'connection.refused'),
      })
      listeners.set(each.name, { host: each.host, port: listener.port })
      doors.push(() => listener.close(LAST_WORDS_MS))
    }

    let ready = false
    const console = config.listen.find(({ name }) => name === CONSOLE)
    if (console !== undefined) {
      const web = Web.read(WEB)
      const api = await startApi(
        {
          gateway,
          identity,
          inventory,
          recordings,
          explainer,
          requests,
          grants,
          audit,
          channels,
          policies: () => policies.current(),
          policyFiles: policies,
          policyHistory,
          workbench,
          vocabulary,
          masks: () => masks,
          detectors: () => config.detectors,
          protocols,
          endpoint: name => listeners.get(name),
          url: consoleUrl,
          ...(web === undefined ? {} : { web }),
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
      doors.push(() => api.close())
    }

    const reloadTls = () =>
      tls.reload().catch(error => {
        // Safe: the certificate that is in use stays, and the operator hears of it.
        log.error({ err: error }, 'tls.reload_failed')
      })
    if (config.tls !== undefined) {
      const look = setInterval(() => void reloadTls(), TLS_LOOK_MS)
      look.unref()
      undo.push(() => clearInterval(look))
    }

    const watch = watchConfig(file, protocols, {
      current: config,
      masking,
      onProblems: problems => {
        log.error({ problems: problems.map(problemLine) }, 'configuration.refused')
      },
      onChange: changed => {
        try {
          // Plugins load beside those in force; this is asked again when they are there.
          const modules = plugins.ready(changed.plugins, refused => {
            if (refused === undefined) watch.reload()
            else log.error({ err: refused }, 'configuration.refused')
          })
          if (modules === undefined) return false
          // Whatever can be refused is refused before anything is replaced.
          const newMasks = masksOf(changed, tokenKey, modules, protocols)
          identity.update(changed.identity.issuers, changed.identity.certificates)
          const { added, changed: altered, removed } = inventory.replace(changed.resources)
          const settings = differentSettings(config, changed)
          masks = newMasks
          plugins.take(modules)
          config = changed
          channels.update(config.channels)
          onRecord(log, () =>
            audit.append({
              kind: 'resources.changed',
              details: {
                file: changed.file,
                settings,
                added: firstOf(added),
                changed: firstOf(altered),
                removed: firstOf(removed),
              },
            }),
          )
          log.info({ settings }, 'configuration.changed')
          const late = needRestart(settings)
          if (late.length > 0) log.warn({ settings: late }, 'configuration.needs_restart')
        } catch (error) {
          // Safe: it is refused, and what was in force goes on. Nothing may throw into the watcher's timer.
          log.error({ err: error }, 'configuration.refused')
          return false
        }
        gateway.reviewSessions('resource_changed')
        // Names that policies use may have come or gone: their warnings are of today.
        policies.reload().catch(error => log.error({ err: error }, 'policies.reload_failed'))
        return true
      },
    })
    undo.push(() => watch.close())
    ready = true
    log.info({ listeners: Object.fromEntries(listeners) }, 'server.ready')
    return {
      listeners,
      log,
      reload: async () => {
        watch.reload()
        await policies.reload().catch(error => log.error({ err: error }, 'policies.reload_failed'))
        await reloadTls()
      },
      stop: async () => {
        ready = false
        await takeDown(undo, log)
        log.info({}, 'server.stopped')
        log.flush()
      },
    }
  } catch (error) {
    // Not passed over: what was opened is closed, and the start fails with the reason.
    await takeDown(undo, log)
    throw error
  }
}

/** In reverse; a step that fails or hangs keeps no other from its turn. */
async function takeDown(undo: (() => unknown)[], log: Log): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(() => resolve('late'), STEP_MS)
    })
    try {
      const outcome = await Promise.race([step(), late])
      if (outcome === 'late') log.warn({ step: String(step).slice(0, 80) }, 'stop.step_late')
    } catch (error) {
      // Safe: everything ends in any case, and what could not be ended in order is said.
      log.error({ err: error }, 'stop.step_failed')
    }
    clearTimeout(timer)
  }
}

/** The data folder, ours alone. Throws ConfigurationError when it cannot be written. */
function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it failed'
    // Something else has its name, or that of a folder above it.
    const no =
      code === 'EEXIST' || code === 'ENOTDIR' ? 'is no folder' : `cannot be written (${code})`
    throw new ConfigurationError('configuration_invalid', `The data folder ${folder} ${no}.`, {
      cause,
    })
  }
}

/** For changes that are in force already: that the log cannot be written stops every statement by itself. */
function onRecord(log: Log, append: () => number): void {
  try {
    append()
  } catch (error) {
    if (!isGatewayError(error)) throw error
    // Safe: nothing is permitted while the log cannot be written; the operator hears why.
    log.error({ err: error }, 'audit.append_failed')
  }
}

/** Where `npm start` and `npm test` build the console. */
const WEB = fileURLToPath(new URL('../dist/web', import.meta.url))
const MOST_LISTED = 64
const firstOf = (names: readonly string[]): string[] => names.slice(0, MOST_LISTED)

/** The masking of a configuration, with the detectors and maskers of its plugins. */
function masksOf(
  config: Config,
  tokenKey: Uint8Array,
  plugins: Plugins,
  wires: readonly Protocol[],
): Masks {
  const own = config.detectors.map(each => createPatternDetector(each, patternEngine))
  return createMasks({
    classes: config.dataClasses,
    tokenKey,
    detectors: [...own, ...plugins.detectors],
    maskers: plugins.maskers,
    wires,
  })
}

function load(file: string, protocols: readonly Protocol[]): Config {
  const { config, problems } = loadConfig(file, protocols, masking)
  if (config === undefined) {
    throw new ConfigurationError('configuration_invalid', problems.map(problemLine).join('\n'))
  }
  return config
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
