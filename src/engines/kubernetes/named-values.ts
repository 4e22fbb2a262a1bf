// The parts of a request that have names, for policies: parts of the path, parameters, and what its body says.
import { InvalidRequest, type NamedValues } from '#model'
import type { BodyFacts } from './body-facts.ts'
import { nameOf } from './objects.ts'
import type { RequestInfo } from './request-info.ts'

/** Facts that are whole numbers; an object has one of each. */
const NUMBERS = ['replicas', 'gracePeriodSeconds'] as const

/** `name`: as the body says it, where the URL does not. Throws InvalidRequest. */
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
    // A policy about how many would be asked about neither.
    if (more.length > 0)
      throw new InvalidRequest('statement_unreadable', `the request says ${fact} in two ways`)
    const number = wholeNumber(value ?? '')
    if (number !== undefined) numbers.set(fact, number)
  }
  return { texts, numbers }
}

/** `1e2` is a hundred to custom resources. */
function wholeNumber(text: string): number | undefined {
  const number = /^-?\d[\d.eE+-]*$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(number) ? number : undefined
}
