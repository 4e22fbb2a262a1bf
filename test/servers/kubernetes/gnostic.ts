// An OpenAPI document as gnostic's protobuf messages (openapiv2.Document, openapiv3.Document), which is how kubectl asks
// for it: the fields that our documents have.
import { stringify } from 'yaml'
import { isObject, type Json } from './objects.ts'

export function protobufOf(document: Json, version: 2 | 3): Uint8Array {
  const { title, version: of } = document['info'] as Json
  const paths = named((document['paths'] ?? {}) as Json, item => pathItem(item as Json, version))
  if (version === 2) {
    const definitions = named((document['definitions'] ?? {}) as Json, one => schema(one, 2))
    return message(
      [1, document['swagger']],
      [2, message([1, title], [2, of])],
      [8, message(...paths.map(one => [2, one] as const))],
      [9, message(...definitions.map(one => [1, one] as const))],
    )
  }
  const schemas = named((document['components'] as Json)['schemas'] as Json, one => schema(one, 3))
  return message(
    [1, document['openapi']],
    [2, message([1, title], [6, of])],
    [4, message(...paths.map(one => [1, one] as const))],
    [5, message([1, message(...schemas.map(one => [1, one] as const))])],
  )
}

type Field = readonly [number, unknown]

/** Strings, bytes of messages, lists of either, and booleans; what is undefined is left out. */
function message(...fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [number, value] of fields)
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined) continue
      if (typeof one === 'boolean') parts.push(varint(number << 3), varint(one ? 1 : 0))
      else {
        const bytes = one instanceof Uint8Array ? one : Buffer.from(String(one))
        parts.push(varint((number << 3) | 2), varint(bytes.length), bytes)
      }
    }
  return Buffer.concat(parts)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128)
  return Buffer.from([...bytes, value])
}

/** NamedX messages: a name and the message of the value. */
const named = (map: Json, of: (value: unknown) => Uint8Array) =>
  Object.entries(map).map(([name, value]) => message([1, name], [2, of(value)]))

function extensions(holder: Json): Uint8Array[] {
  return Object.entries(holder)
    .filter(([name]) => name.startsWith('x-'))
    .map(([name, value]) => message([1, name], [2, message([2, stringify(value)])]))
}

function pathItem(item: Json, version: 2 | 3): Uint8Array {
  const patch = item['patch'] as Json
  const parameters = (patch['parameters'] as readonly Json[]).map(one => parameter(one, version))
  const { description } = patch
  const operation =
    version === 2
      ? message([3, description], [8, parameters], [9, message()], [13, extensions(patch)])
      : message([3, description], [6, parameters], [8, message()], [13, extensions(patch)])
  return message([version === 2 ? 8 : 10, operation])
}

function parameter(one: Json, version: 2 | 3): Uint8Array {
  const { name, in: place, type } = one
  if (version === 3)
    return message([1, message([1, name], [2, place], [10, schema(one['schema'], 3)])])
  const query = message([2, place], [4, name], [6, type])
  return message([1, message([2, message([3, query])])])
}

/** In version 3 a schema stands inside of SchemaOrReference. */
function schema(value: unknown, version: 2 | 3): Uint8Array {
  if (!isObject(value)) return message()
  const { $ref, format, description, required, type, items, additionalProperties: more } = value
  const properties = named((value['properties'] ?? {}) as Json, one => schema(one, version))
  const own = properties.length === 0 ? undefined : message([1, properties])
  const list = items === undefined ? undefined : message([1, schema(items, version)])
  const map = more === undefined ? undefined : message([1, schema(more, version)])
  if (version === 2)
    return message(
      [1, $ref],
      [2, format],
      [4, description],
      [19, required],
      [21, map],
      [22, type === undefined ? undefined : message([1, type])],
      [23, list],
      [25, own],
      [31, extensions(value)],
    )
  if ($ref !== undefined) return message([2, message([1, $ref])])
  const whole = message(
    [23, required],
    [25, type],
    [30, list],
    [31, own],
    [32, map],
    [34, description],
    [35, format],
    [36, extensions(value)],
  )
  return message([1, whole])
}
