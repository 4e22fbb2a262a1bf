// From the bytes of a Kubernetes object to its JSON, by the table of messages. A kind or a field that the table does not
// know is refused: what was not read was not judged.
import { KINDS, MESSAGES } from './messages.ts'
import { eachField, stringOf, unreadable, type Value } from './wire.ts'

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

/** `k8s` and a zero byte: what every such body begins with. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00]
const DEEPEST = 40
/** Fields in all. Empty messages take two bytes each, and an object is made of each. */
const MOST_FIELDS = 100_000

type Json = Record<string, unknown>

interface Field {
  readonly name: string
  /** Beside the fields of the message that has it. */
  readonly inline: boolean
  /** Said although it is empty. */
  readonly kept: boolean
  readonly many: '' | 'list' | 'map' | 'wrapped map'
  readonly type: string
}

type Message = ReadonlyMap<number, Field>

/** The object that the bytes are, with its `apiVersion` and `kind`. Throws InvalidRequest. */
export function jsonOfProtobuf(bytes: Uint8Array): Json {
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) throw unreadable('it does not begin as one')
  const envelope = parts(bytes.subarray(MAGIC.length), 4)
  const about = parts(asBytes(envelope[1]), 2)
  const [apiVersion, kind] = [about[1], about[2]].map(one => stringOf(asBytes(one))) as [
    string,
    string,
  ]
  const encoding = stringOf(asBytes(envelope[3]))
  const type = stringOf(asBytes(envelope[4]))
  if (encoding !== '' || (type !== '' && type !== PROTOBUF))
    throw unreadable('what it holds is encoded in another way')
  const name = kindsOf(apiVersion).get(kind)
  if (name === undefined) {
    const said = /^[\w./-]{1,120}$/.exec(`${apiVersion}/${kind}`)?.[0] ?? 'it'
    throw unreadable(`the kind of ${said} is not known`)
  }
  return { apiVersion, kind, ...new Reading().read(name, asBytes(envelope[2]), 0) }
}

/** The fields of a message of so many fields, each once at most. */
function parts(bytes: Uint8Array, most: number): (Value | undefined)[] {
  const found: (Value | undefined)[] = []
  eachField(bytes, (number, value) => {
    if (number > most || found[number] !== undefined) throw unreadable('its envelope is unexpected')
    found[number] = value
  })
  return found
}

function asBytes(value: Value | undefined): Uint8Array {
  if (typeof value === 'number') throw unreadable('a field has an unexpected form')
  return value ?? new Uint8Array()
}

function asNumber(value: Value): number {
  if (typeof value !== 'number') throw unreadable('a field has an unexpected form')
  return value
}

/** One body as it is read. */
class Reading {
  #left = MOST_FIELDS

  read(name: string, bytes: Uint8Array, depth: number): Json {
    if (depth > DEEPEST) throw unreadable('it is nested too deeply')
    const fields = messages().get(name)
    if (fields === undefined) throw new Error(`no message ${name}`)
    // Names of a map may be any text, `__proto__` too.
    const object: Json = Object.create(null)
    const seen = new Set<number>()
    eachField(bytes, (number, value) => {
      this.#count()
      const field = fields.get(number)
      if (field === undefined) throw unreadable(`${name} has no field ${number} that is known here`)
      // Protobuf would merge the two or take the last: nobody who writes objects does that.
      if (field.many === '' && seen.has(number)) throw unreadable(`${name} says a field twice`)
      seen.add(number)
      if (field.many === 'list') listOf(object, field.name).push(this.#single(field, value, depth))
      else if (field.many !== '') this.#entry(object, field, asBytes(value), depth)
      else if (field.inline) Object.assign(object, this.read(field.type, asBytes(value), depth + 1))
      else {
        const one = this.#single(field, value, depth)
        if (field.kept || !empty(one)) object[field.name] = one
      }
    })
    return object
  }

  #count(): void {
    this.#left -= 1
    if (this.#left < 0) throw unreadable(`it has more than ${MOST_FIELDS} fields`)
  }

  #entry(object: Json, field: Field, bytes: Uint8Array, depth: number): void {
    const [, key, value] = parts(bytes, 2)
    object[field.name] ??= Object.create(null)
    const map = object[field.name] as Json
    const name = stringOf(asBytes(key))
    if (name in map) throw unreadable('a map says a key twice')
    if (field.many === 'map') map[name] = this.#single(field, value ?? new Uint8Array(), depth)
    else {
      const list: unknown[] = []
      eachField(asBytes(value), (number, one) => {
        if (number !== 1) throw unreadable('a list has an unexpected field')
        this.#count()
        list.push(this.#single(field, one, depth))
      })
      map[name] = list
    }
  }

  #single(field: Field, value: Value, depth: number): unknown {
    switch (field.type) {
      case 's':
        return stringOf(asBytes(value))
      case 'i':
        return asNumber(value)
      case 'b':
        return boolean(asNumber(value))
      case 'B':
        return Buffer.from(asBytes(value)).toString('base64')
      case 'T':
      case 'U':
        return time(asBytes(value), field.type)
      case 'Q':
        return stringOf(asBytes(parts(asBytes(value), 1)[1]))
      case 'I': {
        const [, kind = 0, number = 0, text] = parts(asBytes(value), 3)
        if (kind !== 0 && kind !== 1) throw unreadable('neither a number nor a string')
        return kind === 1 ? stringOf(asBytes(text)) : asNumber(number)
      }
      case 'R':
      case 'F':
        return json(stringOf(asBytes(parts(asBytes(value), 1)[1])))
      default:
        return this.read(field.type, asBytes(value), depth + 1)
    }
  }
}

function listOf(object: Json, name: string): unknown[] {
  object[name] ??= []
  return object[name] as unknown[]
}

/** What Go's writer leaves out of JSON where a field may be left out. */
const empty = (value: unknown) =>
  value === '' || value === 0 || value === false || value === null || value === undefined

function boolean(value: number): boolean {
  if (value !== 0 && value !== 1) throw unreadable('a truth value is neither')
  return value === 1
}

/** Null for the zero time, as Go has it. */
function time(bytes: Uint8Array, type: 'T' | 'U'): string | null {
  const [, seconds = 0, nanos = 0] = parts(bytes, 2)
  if (bytes.length === 0 || asNumber(seconds) === ZERO_TIME) return null
  const date = new Date(asNumber(seconds) * 1000)
  if (Number.isNaN(date.getTime())) throw unreadable('a time is out of range')
  const whole = date.toISOString().slice(0, 19)
  const micros = String(Math.floor(asNumber(nanos) / 1000)).padStart(6, '0')
  return type === 'T' ? `${whole}Z` : `${whole}.${micros}Z`
}

/** Year 1 in Unix seconds. */
const ZERO_TIME = -62_135_596_800

function json(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    // It may be an object in protobuf again: not one of those that are read here.
    throw unreadable('a part of it is not JSON')
  }
}

let known: ReadonlyMap<string, Message> | undefined

/** The table, read once, at the first body. */
function messages(): ReadonlyMap<string, Message> {
  known ??= new Map(
    MESSAGES.trim()
      .split('\n')
      .map(line => {
        const [name = '', ...fields] = line.split(' ')
        return [name, new Map(fields.map(fieldOf))]
      }),
  )
  return known
}

function fieldOf(said: string): [number, Field] {
  const found = /^(\d+)([^:]+?)(!)?:(\*|\[\]|\{\}W|\{\})?(.+)$/.exec(said)
  if (found === null) throw new Error(said)
  const [, number, name = '', kept, mark = '', type = ''] = found
  const many = { '[]': 'list', '{}': 'map', '{}W': 'wrapped map' } as const
  return [
    Number(number),
    {
      name,
      inline: name === '^',
      kept: kept !== undefined || mark === '*',
      many: many[mark as keyof typeof many] ?? '',
      type,
    },
  ]
}

/** Kind to message. Options of a delete come under the version of what is deleted. */
function kindsOf(apiVersion: string): ReadonlyMap<string, string> {
  const said = Object.hasOwn(KINDS, apiVersion) ? KINDS[apiVersion] : undefined
  const own = (said?.split(' ') ?? []).map((one): [string, string] => {
    const [kind = '', message = kind] = one.split('=')
    return [kind, message]
  })
  return new Map([...own, ['DeleteOptions', 'DeleteOptions']])
}
