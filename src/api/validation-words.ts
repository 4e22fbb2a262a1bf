// What the schemas of the contract refuse, in words for whoever asked.
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'

const MOST = 5

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
}

/** undefined: it was refused for something else. */
export function validationWords(error: unknown): string | undefined {
  if (!hasZodFastifySchemaValidationErrors(error)) return undefined
  const said = error.validation.slice(0, MOST).map(({ instancePath, ...issue }) => {
    const name = instancePath.slice(1).replaceAll('/', '.')
    return `${name === '' ? 'what is asked' : name} ${wordsOf({ message: '', ...issue })}`
  })
  return `${said.join('; ')}.`
}

interface Issue {
  readonly keyword: string
  readonly message: string
  readonly params: Readonly<Record<string, unknown>>
}

function wordsOf({ keyword, message, params }: Issue): string {
  const { values, keys, origin, maximum, minimum, expected } = params
  const counted = origin === 'string' ? ' characters' : origin === 'array' ? ' items' : undefined
  if (keyword === 'invalid_value' && Array.isArray(values)) return `must be ${oneOf(values)}`
  if (keyword === 'unrecognized_keys' && Array.isArray(keys)) return `may not have ${oneOf(keys)}`
  if (keyword === 'too_big')
    return counted === undefined ? `must be ${maximum} or less` : `has ${maximum}${counted} at most`
  if (keyword === 'too_small') {
    if (counted === undefined) return `must be ${minimum} or more`
    return minimum === 1 ? 'may not be empty' : `has ${minimum}${counted} at least`
  }
  if (keyword === 'invalid_type')
    return message.endsWith('received undefined')
      ? 'is missing'
      : `must be ${KINDS[String(expected)] ?? expected}`
  return `does not hold: ${message}`
}

function oneOf(values: readonly unknown[]): string {
  const all = values.map(String)
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`
}
