// The body of an answer: its objects one at a time, what is hidden in them masked, then whatever else is looked for in
// bodies. What is not changed goes on as the bytes that came.
import { type BodyMasker, BodyProblem } from '#engines/bodies'
import { Cutter, type PartKind } from './cutter.ts'
import { type Edit, edited } from './edits.ts'
import { toldByList } from './frames.ts'
import { ObjectMasks } from './object-masks.ts'
import { type ObjectText, readObjects } from './object-text.ts'
import { type AskedObjects, type ObjectRules, type Told, toldBy } from './rules.ts'
import { CONFIG_MAPS, DATA, SECRETS, Sightings } from './sightings.ts'

/** etcd takes 1.5 MiB for an object, the API server 3 MiB of a request; what is made of these on the way is wider. */
export const LONGEST_OBJECT = 8 * 1024 * 1024
const LIST_END = [0x5d, 0x7d]
const OPEN = 0x7b
const COMMA = 0x2c
const SPACE = 0x20
const NONE: readonly Edit[] = []

interface MaskerSettings {
  readonly asked: AskedObjects
  /** What masks the rest of the body: fields and detectors. Undefined: nothing else is hidden. */
  readonly rest: BodyMasker | undefined
  readonly longest?: number
}

/** For one body of JSON. `write` and `end` throw BodyProblem: nothing more of it may go on. */
export function createObjectMasker(rules: ObjectRules, settings: MaskerSettings): BodyMasker {
  const { asked, rest, longest = LONGEST_OBJECT } = settings
  const objects = new ObjectsBody(rules, asked, longest, rest !== undefined)
  const found = new Map<string, number>()
  const gather = (): void => {
    found.clear()
    for (const each of [objects.found, rest?.found])
      for (const [name, count] of each ?? []) found.set(name, (found.get(name) ?? 0) + count)
  }
  return {
    contentType: rest?.contentType,
    found,
    write: chunk => {
      // The rest first: what it writes into a value in base64 can be put right then.
      const parts = rest === undefined ? [chunk] : rest.write(chunk)
      const out = parts.flatMap(part => objects.write(part))
      gather()
      return out
    },
    end: () => {
      const out = (rest?.end() ?? []).flatMap(part => objects.write(part))
      out.push(...objects.end())
      gather()
      return out
    },
    abort: () => {
      rest?.abort()
      gather()
    },
  }
}

class ObjectsBody {
  readonly #masks: ObjectMasks
  readonly #rules: ObjectRules
  readonly #asked: AskedObjects
  /** What is asked for, and what the elements of the list are that comes now. */
  readonly #told: Told
  #items: Told
  readonly #cutter: Cutter
  readonly #signs: Sightings
  #head: ObjectText | undefined
  #out: Uint8Array[] = []
  /** `[from, to)` of the chunk goes on as it is. */
  #chunk: Uint8Array | undefined
  #from = 0
  #to = 0

  constructor(rules: ObjectRules, asked: AskedObjects, longest: number, touched: boolean) {
    this.#rules = rules
    this.#asked = asked
    this.#masks = new ObjectMasks(rules, asked, touched)
    this.#told = toldBy(asked)
    this.#items = this.#told
    this.#signs = new Sightings([
      ...SECRETS,
      ...(rules.configMaps ? CONFIG_MAPS : []),
      ...(this.#told === 'unknown' ? DATA : []),
    ])
    this.#cutter = new Cutter(
      longest,
      (kind, src, start, end, held) => this.#part(kind, src, start, end, held),
      (src, start, end) => this.#open(src.subarray(start, end)),
    )
  }

  get found(): ReadonlyMap<string, number> {
    return this.#masks.found
  }

  write(chunk: Uint8Array): Uint8Array[] {
    this.#signs.forget()
    this.#cutter.write(chunk)
    return this.#taken()
  }

  end(): Uint8Array[] {
    this.#cutter.end()
    return this.#taken()
  }

  #part(kind: PartKind, src: Uint8Array, start: number, end: number, held: boolean): void {
    const edits = this.#edits(kind, src, start, end, held)
    if (edits.length > 0) this.#put(edited(src.subarray(start, end), 0, end - start, edits))
    else if (held) this.#put(new Uint8Array(src.subarray(start, end)))
    else this.#pass(src, start, end)
  }

  #edits(
    kind: PartKind,
    src: Uint8Array,
    start: number,
    end: number,
    held: boolean,
  ): readonly Edit[] {
    if (kind === 'between') return NONE
    const text = src.subarray(start, end)
    if (kind === 'head') return this.#masks.edits(text, this.#head!, this.#told)
    if (kind === 'tail') return this.#tail(text)
    const told = kind === 'element' ? this.#items : this.#told
    const holders = told === 'Secret' || (told === 'ConfigMap' && this.#rules.configMaps)
    const worth = holders || this.#asked.patches === true || this.#signs.any(src, start, end, held)
    if (!worth) return NONE
    return this.#masks.edits(text, readObjects(text, false), told)
  }

  /** A list's elements come one by one when nothing before them may be hidden by what comes behind. */
  #open(head: Uint8Array): boolean {
    const text = new Uint8Array(head.length + LIST_END.length)
    text.set(head)
    text.set(LIST_END, head.length)
    const read = readObjects(text, false)
    if (read.root === undefined || read.frames.includes(read.root)) return false
    this.#head = read
    this.#items = this.#told === 'Secret' ? this.#told : (toldByList(read.root.kind) ?? this.#told)
    return true
  }

  /** `]`, and what a list says of itself behind its elements. */
  #tail(tail: Uint8Array): readonly Edit[] {
    const text = new Uint8Array(tail)
    text[0] = OPEN
    const next = text.findIndex((byte, i) => i > 0 && byte > SPACE)
    if (text[next] === COMMA) text[next] = SPACE
    const read = readObjects(text, false)
    const { root } = read
    if (root !== undefined && read.frames.includes(root))
      throw new BodyProblem('malformed', 'A list has data of its own behind its elements.')
    const told = toldByList(root?.kind)
    // Elements that said nothing of themselves were taken for what was asked for.
    const hid = this.#items === 'Secret' || this.#items === 'unknown' || this.#items === told
    if ((told === 'Secret' || told === 'ConfigMap') && !hid)
      throw new BodyProblem('malformed', 'A list says behind its elements what they are.')
    return this.#masks.edits(text, read, this.#told)
  }

  #pass(src: Uint8Array, start: number, end: number): void {
    if (this.#chunk === src && this.#to === start) {
      this.#to = end
      return
    }
    this.#settle()
    this.#chunk = src
    this.#from = start
    this.#to = end
  }

  #put(bytes: Uint8Array): void {
    this.#settle()
    this.#out.push(bytes)
  }

  #settle(): void {
    if (this.#chunk !== undefined && this.#to > this.#from)
      this.#out.push(this.#chunk.subarray(this.#from, this.#to))
    this.#chunk = undefined
  }

  #taken(): Uint8Array[] {
    this.#settle()
    const out = this.#out
    this.#out = []
    return out
  }
}
