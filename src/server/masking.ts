// The masking in force: the classes and detectors of the configuration, with what its plugins bring.
import { join } from 'node:path'
import { type Config, patternEngine } from '#config'
import { createPatternDetector, detectorRules } from '#engines/masking'
import { createMasks, type Masks } from '#gateway'
import { HotPlugins, type Plugins } from '#services/plugins'
import { openLocalKey } from '#services/vault'
import type { Server } from './server.ts'

/** How the file's own detectors are checked; the engine for patterns is loaded with the first of them. */
export const maskingRules = detectorRules(() => patternEngine)

export interface Masking {
  /** In force. */
  masks: Masks
  readonly plugins: HotPlugins
  /** Of another configuration. Throws for what it cannot be made of; what is in force stays. */
  masksOf(config: Config, plugins: Plugins): Masks
}

export async function openMasking(server: Server): Promise<Masking> {
  const { config, log, metrics, now, protocols, undo } = server
  const tokenKey = openLocalKey(join(config.data, 'masking.key'))
  const plugins = await HotPlugins.open(config.plugins, {
    log,
    now,
    failed: (plugin, why) => metrics.pluginFailed(plugin, why),
  })
  undo.push(() => plugins.close())
  const masksOf = (config: Config, { detectors, maskers }: Plugins): Masks => {
    const own = config.detectors.map(each => createPatternDetector(each, patternEngine))
    return createMasks({
      classes: config.dataClasses,
      tokenKey,
      detectors: [...own, ...detectors],
      maskers,
      wires: protocols,
    })
  }
  return { masks: masksOf(config, plugins.current), plugins, masksOf }
}
