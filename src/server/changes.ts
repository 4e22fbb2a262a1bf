// Follows what changes while the gateway runs: policies, certificates, the configuration.
import { type ConfigWatch, differentSettings, needRestart, problemLine, watchConfig } from '#config'
import type { SallyportGateway } from '#gateway'
import type { Channels } from '#services/channels'
import { policyChange } from '#services/policies'
import { onRecord } from './disk.ts'
import { maskingRules } from './masking.ts'
import type { Rooms } from './rooms.ts'
import type { Server } from './server.ts'

/** Certificates of the operator are replaced on disk by whoever renews them. */
const TLS_LOOK_MS = 30_000

const MOST_LISTED = 64
const firstOf = (names: readonly string[]): string[] => names.slice(0, MOST_LISTED)

/** A new set is put on record, and live sessions are judged by it. */
export function followPolicies(
  server: Server,
  { audit, policies }: Rooms,
  gateway: SallyportGateway,
): void {
  const { log, undo } = server
  let inForce = policies.current()
  undo.push(
    policies.onChange((set, by) => {
      onRecord(log, () =>
        audit.append({
          kind: 'policies.changed',
          details: {
            folder: server.config.policies.folder,
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
}

/** Looks for a replaced certificate now and then; what comes back looks at once. */
export function followCertificates(
  { config, log, undo }: Server,
  { tls }: Rooms,
): () => Promise<void> {
  const reload = () =>
    tls.reload().catch(error => {
      // Safe: the certificate that is in use stays, and the operator hears of it.
      log.error({ err: error }, 'tls.reload_failed')
    })
  if (config.tls !== undefined) {
    const look = setInterval(() => void reload(), TLS_LOOK_MS)
    look.unref()
    undo.push(() => clearInterval(look))
  }
  return reload
}

/** An edit is taken whole, or refused whole. */
export function followConfiguration(
  server: Server,
  rooms: Rooms,
  gateway: SallyportGateway,
  channels: Channels,
): ConfigWatch {
  const { log, undo } = server
  const { masking, policies } = rooms
  const watch = watchConfig(server.file, server.protocols, {
    current: server.config,
    masking: maskingRules,
    onProblems: problems => {
      log.error({ problems: problems.map(problemLine) }, 'configuration.refused')
    },
    onChange: changed => {
      try {
        // Plugins load beside those in force; this is asked again when they are there.
        const modules = masking.plugins.ready(changed.plugins, refused => {
          if (refused === undefined) watch.reload()
          else log.error({ err: refused }, 'configuration.refused')
        })
        if (modules === undefined) return false
        // Whatever can be refused is refused before anything is replaced.
        const newMasks = masking.masksOf(changed, modules)
        rooms.identity.update(changed.identity.issuers, changed.identity.certificates)
        const { added, changed: altered, removed } = rooms.inventory.replace(changed.resources)
        const settings = differentSettings(server.config, changed)
        masking.masks = newMasks
        masking.plugins.take(modules)
        server.config = changed
        channels.update(changed.channels)
        onRecord(log, () =>
          rooms.audit.append({
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
  return watch
}
