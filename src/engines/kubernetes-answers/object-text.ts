// One JSON text as the objects in it: which of its values belong to Secrets and ConfigMaps, wherever these stand and in
// whatever order they say what they are. The text is whole, so that nothing is decided before all of it was read.
import { Buffer } from 'node:buffer'
import { BodyProblem } from '#engines/bodies'
import {
  ARRAY,
  ARRAY_END,
  decodeString,
  END,
  JsonProblem,
  JsonTokens,
  NAME,
  NULL,
  OBJECT,
  OBJECT_END,
  STRING,
  type Token,
} from '#engines/json'
import { type Frame, frameIn, type Member, type Spot } from './frames.ts'

const DEPTH = 512

/** What a container is to the object that it stands in. */
type Part = 'metadata' | 'annotations' | 'values'

interface Level {
  /** An object may itself be one that says what it is, whatever part of another it is; of an array the one around it. */
  readonly frame: Frame
  readonly array: boolean
  /** The elements stand where the array does: they are what was asked for, when `frame` is. */
  readonly list: boolean
  readonly part: Part | undefined
  /** Whose part it is. */
  readonly of: Frame | undefined
  readonly member: Member | undefined
  /** The value that this container is, when a string should stand there. */
  readonly spot: Spot | undefined
}

export interface ObjectText {
  /** Those that something was noted of. */
  readonly frames: readonly Frame[]
  /** The first object of the text, when it is one. */
  readonly root: Frame | undefined
  /** Other strings that may hold JSON. */
  readonly strings: readonly Spot[]
}

const PLAIN = {
  array: false,
  list: false,
  part: undefined,
  of: undefined,
  member: undefined,
} as const

const MEMBERS: ReadonlySet<string> = new Set<Member>(['data', 'stringData', 'binaryData'])

/**
 * Reads a text strictly. `everywhere`: every object in it may be what was asked for, not only what stands in its place.
 * Throws BodyProblem.
 */
export function readObjects(text: Uint8Array, everywhere: boolean): ObjectText {
  try {
    return new Reading(text, everywhere).run()
  } catch (error) {
    // Nothing of what is not understood goes on.
    if (error instanceof JsonProblem) throw new BodyProblem('malformed', error.message, error)
    throw error
  }
}

class Reading {
  readonly #tokens: JsonTokens
  readonly #everywhere: boolean
  readonly #frames: Frame[] = []
  readonly #strings: Spot[] = []
  readonly #levels: Level[] = []
  /** By depth: the name of the member that comes. */
  readonly #names: string[] = []
  #root: Frame | undefined

  constructor(text: Uint8Array, everywhere: boolean) {
    this.#tokens = new JsonTokens({ depth: DEPTH, texts: 'many' })
    this.#everywhere = everywhere
    this.#tokens.feed(text)
    this.#tokens.finish()
  }

  run(): ObjectText {
    const tokens = this.#tokens
    for (let token = tokens.next(); token !== END; token = tokens.next()) this.#take(token)
    return { frames: this.#frames, root: this.#root, strings: this.#strings }
  }

  #take(token: Token): void {
    const tokens = this.#tokens
    const { depth } = tokens
    if (token === NAME) this.#names[depth] = this.#text()
    else if (token === OBJECT || token === ARRAY) this.#enter(token, depth)
    else if (token === OBJECT_END || token === ARRAY_END) {
      const { spot } = this.#levels[depth + 1]!
      if (spot !== undefined) spot.end = tokens.end
    } else if (token !== NULL && depth > 0) this.#scalar(token, this.#levels[depth]!, depth)
  }

  #enter(token: Token, depth: number): void {
    const above = depth === 1 ? undefined : this.#levels[depth - 1]!
    const name = this.#names[depth - 1] ?? ''
    const spot = above === undefined ? undefined : this.#containerAsValue(above, name, token)
    this.#levels[depth] =
      token === OBJECT ? this.#object(above, name, spot) : this.#array(above, name, spot)
  }

  /** No string stands where one should: nobody knows what it is. */
  #containerAsValue(above: Level, name: string, token: Token): Spot | undefined {
    if (above.array) return undefined
    const { start, end } = this.#tokens
    const spot = { start, end, escaped: false, string: false }
    if (above.part === 'values') {
      const value = { ...spot, key: name, member: above.member! }
      this.#note(above.of!, above.of!.values, value)
      return value
    }
    if (token === OBJECT || !MEMBERS.has(name)) return undefined
    const all = { ...spot, key: '', member: name as Member }
    this.#note(above.frame, above.frame.values, all)
    return all
  }

  #object(above: Level | undefined, name: string, spot: Spot | undefined): Level {
    if (above === undefined) {
      const frame = frameIn(undefined, true)
      this.#root ??= frame
      return { ...PLAIN, frame, spot }
    }
    const { frame: parent, array, list, part } = above
    const line = this.#everywhere || (parent.line && (array ? list : name === 'object'))
    const frame = frameIn(parent, line, list)
    if (array) return { ...PLAIN, frame, spot }
    if (name === 'metadata') return { ...PLAIN, frame, spot, part: 'metadata', of: parent }
    if (part === 'metadata' && name === 'annotations')
      return { ...PLAIN, frame, spot, part: 'annotations', of: above.of }
    if (MEMBERS.has(name))
      return { ...PLAIN, frame, spot, part: 'values', of: parent, member: name as Member }
    return { ...PLAIN, frame, spot }
  }

  #array(above: Level | undefined, name: string, spot: Spot | undefined): Level {
    if (above === undefined)
      return { ...PLAIN, frame: frameIn(undefined, true), array: true, list: true, spot }
    const list = !above.array && (name === 'items' || name === 'rows')
    return { ...PLAIN, frame: above.frame, array: true, list, spot }
  }

  #scalar(token: Token, level: Level, depth: number): void {
    const { frame, array, part, of } = level
    const name = array ? '' : this.#names[depth]!
    const string = token === STRING
    if (!array) {
      if (part === 'values') {
        this.#note(of!, of!.values, this.#spot(name, token, string, level.member))
      } else if (MEMBERS.has(name)) {
        this.#note(frame, frame.values, this.#spot('', token, false, name as Member))
      }
      if (!string) return
      if (part === 'annotations') this.#note(of!, of!.annotations, this.#spot(name, token, true))
      else if (part === 'metadata') this.#metadataString(of!, name)
      this.#objectString(frame, name, token)
      // Those are looked into with their objects.
      if (part === 'values' || part === 'annotations') return
    }
    if (string && this.#looksNested()) this.#strings.push(this.#spot(name, token, true))
  }

  #objectString(frame: Frame, name: string, token: Token): void {
    if (name === 'kind') {
      // One that says twice what it is, is the one that hides more.
      const kind = this.#text()
      if (frame.kind !== 'Secret' && frame.kind !== 'SecretList') frame.kind = kind
    } else if (name === 'apiVersion') frame.apiVersion = this.#text()
    else if (name === 'reason') frame.reason = this.#text()
    else if (name === 'message') this.#note(frame, frame.messages, this.#spot(name, token, true))
  }

  #metadataString(frame: Frame, name: string): void {
    if (name !== 'name' && name !== 'namespace') return
    if (frame[name] !== undefined) frame.doubtful = true
    frame[name] = this.#text()
  }

  /** With the quotes of a string. */
  #spot(key: string, token: Token, string: boolean, member?: Member): Spot {
    const { start, end, escaped } = this.#tokens
    const quote = token === STRING ? 1 : 0
    const spot = { key, start: start - quote, end: end + quote, escaped, string }
    return member === undefined ? spot : { ...spot, member }
  }

  #note(frame: Frame, list: Spot[], spot: Spot): void {
    if (frame.values.length + frame.annotations.length + frame.messages.length === 0)
      this.#frames.push(frame)
    list.push(spot)
  }

  /** An object or an array may begin in the string. */
  #looksNested(): boolean {
    const { src, start, end, escaped } = this.#tokens
    let first = start
    while (first < end && src[first]! <= 0x20) first++
    const byte = src[first]
    return (byte === 0x7b || byte === 0x5b || (escaped && byte === 0x5c)) && end - first > 1
  }

  #text(): string {
    const { src, start, end, escaped } = this.#tokens
    return textOf(src, start, end, escaped).toString('utf8')
  }
}

/** The inside `[start, end)` of a string, as it is meant. */
export function textOf(src: Uint8Array, start: number, end: number, escaped: boolean): Buffer {
  if (!escaped) return Buffer.from(src.buffer, src.byteOffset + start, end - start)
  const out = Buffer.allocUnsafe(end - start)
  return out.subarray(0, decodeString(src, start, end, out, 0))
}
