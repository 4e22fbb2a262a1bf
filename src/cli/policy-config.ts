// The configuration that a policy command was pointed at.
import { type Config, loadConfig, problemLine } from '#config'
import { ConfigurationError } from '#model'
import type { LoadProtocols } from './protocol-facts.ts'

export async function configOf(
  file: string | undefined,
  protocols: LoadProtocols,
): Promise<Config | undefined> {
  if (file === undefined) return undefined
  const { config, problems } = loadConfig(file, await protocols())
  if (config === undefined) {
    throw new ConfigurationError('configuration_invalid', problems.map(problemLine).join('\n'))
  }
  return config
}
