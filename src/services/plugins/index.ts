// The operator's own modules: detectors and maskers in threads of their own.
export { HotPlugins } from './hot-plugins.ts'
export type { Plugin, PluginDetector, PluginMasker } from './plugin.ts'
export { openPlugins, type Plugins } from './plugins.ts'
