// The cases of a file for `policy test`, with the resources of a configuration.
import { readFileSync } from 'node:fs'
import type { Config } from '#config'
import type { PolicyCase } from '#engines/policy'
import { InvalidRequest } from '#model'
import type { Protocol } from './protocol-facts.ts'

/** Throws ConfigurationError when the file is not a list of cases. */
export async function readCases(
  file: string,
  protocols: readonly Protocol[],
  config: Config | undefined,
): Promise<readonly PolicyCase[]> {
  const { casesIn } = await import('#services/policies')
  return casesIn(readFileSync(file, 'utf8'), file, {
    resource(name) {
      const found = config?.resources.find(each => each.name === name)
      if (found !== undefined) return found
      throw new InvalidRequest(
        'resource_unknown',
        `There is no resource "${name}"${config === undefined ? ': name its tags, or give --config' : ' in the configuration'}.`,
      )
    },
    read: (text, protocol) => protocolOf(protocol, protocols).read(text),
  })
}

/** By name; without one, the only one there is. */
export function protocolOf(name: string | undefined, protocols: readonly Protocol[]): Protocol {
  const found =
    name === undefined && protocols.length === 1
      ? protocols[0]
      : protocols.find(each => each.name === name)
  if (found === undefined) {
    throw new InvalidRequest(
      'request_invalid',
      'Say which protocol the statement is in: resource.protocol.',
    )
  }
  return found
}
