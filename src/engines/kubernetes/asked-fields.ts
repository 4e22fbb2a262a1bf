// Fields of objects that a request asks about and does not show: terms of its selectors, and the tests of a JSON patch. Whoever may
// not see a value finds it by asking often enough whether it is this one.
import { type FieldAsked, InvalidRequest } from '#model'
import type { ReadBody } from './body.ts'
import { readSteps } from './json-patch.ts'
import type { RequestInfo } from './request-info.ts'
import { readFieldSelector, readLabelSelector } from './selectors.ts'
import { isList, isObject, type Tree } from './tree.ts'

/** They stand on the URL of every object. */
const OPEN: ReadonlySet<string> = new Set(['metadata.name', 'metadata.namespace'])

/** Each is looked up: nobody asks about more in good faith. */
const MOST = 200

/** Throws InvalidRequest. */
export function askedFields(info: RequestInfo, body: ReadBody | undefined): readonly FieldAsked[] {
  const asked: FieldAsked[] = []
  for (const each of [selected(info), tested(body)])
    for (const field of each) {
      if (asked.push(field) > MOST)
        throw new InvalidRequest(
          'statement_too_large',
          `a request may ask about ${MOST} fields at most`,
        )
    }
  return asked
}

function* selected({ isResource, parameters }: RequestInfo): Iterable<FieldAsked> {
  if (!isResource) return
  const said = (name: string): string => parameters.get(name)?.[0] ?? ''
  for (const { field, equal, value } of readFieldSelector(said('fieldSelector')))
    if (!OPEN.has(field))
      yield equal
        ? { way: wayOf(field), use: 'equality', values: [value] }
        : { way: wayOf(field), use: 'condition', values: [] }
  for (const { key, values } of readLabelSelector(said('labelSelector')))
    yield {
      way: ['metadata', 'labels', key],
      use: values === undefined ? 'condition' : 'equality',
      values: values ?? [],
    }
}

function wayOf(field: string): readonly string[] {
  return field.split('.').filter(name => name !== '')
}

function* tested(body: ReadBody | undefined): Iterable<FieldAsked> {
  if (body?.sort !== 'steps' || !isList(body.tree)) return
  for (const { op, way, value } of readSteps(body.tree))
    if (op === 'test') yield* fieldsIn(way, value)
}

/** Of an object that is tested as a whole: each of its fields. */
function* fieldsIn(way: readonly string[], value: Tree | undefined): Iterable<FieldAsked> {
  if (isObject(value) && value.size > 0)
    for (const [name, each] of value) yield* fieldsIn([...way, name], each)
  else if (isList(value) && value.length > 0)
    for (const [index, each] of value.entries()) yield* fieldsIn([...way, String(index)], each)
  else if (!OPEN.has(way.join('.'))) yield { way, use: 'test', values: [] }
}
