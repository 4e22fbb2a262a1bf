// The parts of a request that have names, for policies: parts of the path, parameters, and what its body says.
import type { NamedValues } from '#model'
import type { BodyFacts } from './body-facts.ts'
import { nameOf } from './objects.ts'
import type { RequestInfo } from './request-info.ts'

/** Facts that are whole numbers where there is one of them. */
const NUMBERS = ['replicas', 'gracePeriodSeconds', 'runAsUser', 'hostPort'] as const

/** `name`: as the body says it, where the URL does not. */
export function namedValues(info: RequestInfo, name: string, facts: BodyFacts): NamedValues {
  const texts = new Map<string, readonly string[]>()
  const numbers = new Map<string, number>()
  for (const [parameter, values] of info.parameters) texts.set(`?${parameter}`, values)
  if (info.isResource) {
    const { port, scheme } = nameOf(info)
    const [container] = info.parameters.get('container') ?? []
    // The core group is the empty text; all others are there or not.
    texts.set('{group}', [info.group])
    const { version, resource, subresource, namespace } = info
    const parts = { version, resource, subresource, namespace, name, port, scheme, container }
    for (const [part, value] of Object.entries(parts)) if (value) texts.set(`{${part}}`, [value])
  }
  for (const [fact, values] of facts) texts.set(fact, values)
  for (const fact of NUMBERS) {
    const [value, ...more] = facts.get(fact) ?? []
    if (value !== undefined && more.length === 0 && /^\d{1,15}$/.test(value))
      numbers.set(fact, Number(value))
  }
  return { texts, numbers }
}
