// JSON: hidden fields by name and by pointer, detectors on strings, numbers and names. What is not changed keeps its
// bytes. Held between chunks: the value that is not whole yet.
import { Buffer } from 'node:buffer'
import {
  ARRAY,
  ARRAY_END,
  decodeString,
  END,
  encodedBytes,
  encodeString,
  JsonProblem,
  JsonTokens,
  LAST_PIECE,
  NAME,
  NEED,
  NULL,
  NUMBER,
  OBJECT,
  OBJECT_END,
  STRING,
  type Token,
} from '#engines/json'
import { BodyProblem, type BodyReader } from './body.ts'
import { expandInteger } from './integers.ts'
import { Output } from './output.ts'
import { type FieldPlan, type NameEntry, type PointerNode, UNNAMED } from './rules.ts'
import { LONGEST_VALUE, type Values } from './values.ts'

const DEPTH = 512
const LONGEST_NAME = 64 * 1024
/** JSON in a string of JSON, and so on. */
const MOST_NESTED = 2
const NONE: readonly PointerNode[] = []
const NULL_TEXT = Buffer.from('null')
const QUOTED = 2

export interface JsonSettings {
  readonly texts?: 'one' | 'many'
  /** Where pointers lead from, when the text is a value of another. */
  readonly nodes?: readonly PointerNode[]
  readonly entry?: NameEntry
  readonly nested?: number
}

/** One body; `values` is that body's. */
export class JsonBody implements BodyReader {
  readonly #values: Values
  readonly #tokens: JsonTokens
  readonly #out = new Output()
  readonly #nested: number
  readonly #pointers: boolean
  /** By depth: the name that values there go by, where pointers lead to in it, and the places that are used up. */
  readonly #entries: NameEntry[]
  readonly #nodes: (readonly PointerNode[])[]
  readonly #places: number[] = [0]
  /** The name that came last, wherever. */
  #last: NameEntry
  /** The value of a field that is hidden comes next. */
  #due = false
  /** No value is looked at for what it is. */
  readonly #plain: boolean
  /** Where pointers lead to at the member whose name was read. */
  #member: readonly PointerNode[] = NONE
  /** All before it has gone on. */
  #from = 0
  /** Inside of a container that is hidden: down to this depth nothing goes on. */
  #hidden = -1
  /** What becomes of the pieces of a long string. */
  #dropping = false
  #empty = true

  constructor(values: Values, settings: JsonSettings = {}) {
    const { texts = 'one', entry = UNNAMED, nested = 0 } = settings
    const root = values.rules.pointers
    this.#values = values
    this.#tokens = new JsonTokens({ depth: DEPTH, texts })
    this.#nested = nested
    this.#entries = [entry]
    this.#last = values.rules.names.first
    this.#plain = values.scan === undefined
    this.#nodes = [settings.nodes ?? (root === undefined ? NONE : [root])]
    this.#pointers = this.#nodes[0]!.length > 0
  }

  write(chunk: Uint8Array): Uint8Array[] {
    this.#tokens.feed(chunk)
    this.#from = 0
    this.#run()
    return this.#out.take()
  }

  end(): Uint8Array[] {
    // An answer without a body says JSON as well.
    if (this.#empty && this.#tokens.held === 0) return []
    this.#tokens.finish()
    this.#run()
    return this.#out.take()
  }

  #run(): void {
    const tokens = this.#tokens
    try {
      for (;;) {
        if (this.#hidden < 0 && !this.#due) this.#skim()
        const token = tokens.next()
        if (token === NEED || token === END) break
        this.#empty = false
        if (this.#hidden >= 0) this.#skip(token)
        else this.#take(token)
      }
      this.#giveUpLong()
    } catch (error) {
      // Nothing of what is not understood goes on; what did was judged.
      if (error instanceof JsonProblem) throw new BodyProblem('malformed', error.message, error)
      throw error
    }
    const kept = tokens.kept
    if (kept > this.#from) {
      if (this.#hidden < 0 && !this.#dropping)
        this.#out.pass(tokens.src, this.#from, kept, tokens.borrowed)
      this.#from = kept
    }
  }

  /** Over what is not looked at, in a container where no pointer leads on. */
  #skim(): void {
    const tokens = this.#tokens
    const { depth } = tokens
    if (this.#pointers && this.#nodes[depth]!.length > 0) return
    const last = tokens.skim(this.#values.rules.names, this.#last, this.#plain)
    if (last === undefined) return
    this.#last = last
    this.#entries[depth] = last
    this.#member = NONE
  }

  /** Within a container that is hidden: it must end, and nothing else matters. */
  #skip(token: Token): void {
    const tokens = this.#tokens
    if ((token === OBJECT_END || token === ARRAY_END) && tokens.depth === this.#hidden) {
      this.#hidden = -1
      this.#from = tokens.end
    }
  }

  #take(token: Token): void {
    const tokens = this.#tokens
    this.#due = false
    switch (token) {
      case NAME:
        this.#name()
        return
      case OBJECT_END:
      case ARRAY_END:
        return
      case OBJECT:
      case ARRAY:
        this.#enter(token)
        return
    }
    if (token > NULL) {
      // A long string goes on, or is gone.
      if (this.#dropping) this.#from = tokens.end
      if (token === LAST_PIECE) this.#dropping = false
      return
    }
    const depth = tokens.depth
    const nodes = this.#pointers ? this.#nodesHere(depth) : NONE
    const entry = this.#entries[depth]!
    const plan = planAt(nodes, entry.plan)
    if (plan !== undefined) this.#mask(token, plan, entry)
    else if (token === STRING) this.#string(entry, nodes)
    else if (token === NUMBER) this.#number(entry)
  }

  #name(): void {
    const tokens = this.#tokens
    const { src, start, end } = tokens
    const depth = tokens.depth
    const names = this.#values.rules.names
    // What an escaped name says is not told by its bytes alone: other kinds of bodies write it without.
    let entry = tokens.escaped ? undefined : names.known(src, start, end)
    if (entry === undefined) {
      const text = new Uint8Array(end - start)
      entry = names.learn(
        tokens.escaped
          ? text.subarray(0, decodeString(src, start, end, text, 0))
          : src.subarray(start, end),
      )
    }
    this.#entries[depth] = entry
    names.follows(this.#last, entry)
    this.#last = entry
    this.#due = entry.plan !== undefined
    if (this.#pointers) {
      const above = this.#nodes[depth]!
      this.#member = above.length === 0 ? NONE : leadOn(above, entry.text)
    }
    if (entry.clean) return
    const values = this.#values
    const at = values.place(UNNAMED, entry.text.length)
    at.set(entry.text)
    if (values.scanned(UNNAMED, entry.text.length)) this.#replace()
  }

  #enter(token: Token): void {
    const tokens = this.#tokens
    const depth = tokens.depth
    const entry = this.#entries[depth - 1]!
    const nodes = this.#pointers ? this.#nodesHere(depth - 1) : NONE
    const plan = planAt(nodes, entry.plan)
    if (plan !== undefined) {
      this.#values.count(plan.dataClass)
      this.#write(NULL_TEXT, tokens.start, tokens.end)
      this.#hidden = depth - 1
      return
    }
    this.#entries[depth] = token === ARRAY ? entry : UNNAMED
    if (!this.#pointers) return
    this.#nodes[depth] = nodes
    this.#places[depth] = 0
  }

  /** Where pointers lead to at the value that comes now, at this depth. */
  #nodesHere(depth: number): readonly PointerNode[] {
    const above = this.#nodes[depth]!
    if (depth === 0) return above
    if (!this.#tokens.arrayAt(depth)) return this.#member
    const place = this.#places[depth]!++
    return above.length === 0 ? NONE : leadOnPlace(above, place)
  }

  #string(entry: NameEntry, nodes: readonly PointerNode[]): void {
    const values = this.#values
    if (values.scan === undefined && !values.rules.byField) return
    if (this.#tooLong()) return
    if (this.#nested < MOST_NESTED && this.#looksNested() && this.#nestedText(entry, nodes)) return
    if (values.scan === undefined) return
    if (values.scanned(entry, this.#place(entry, QUOTED))) this.#replace()
  }

  /** True when the newest string may hold JSON: an object, or an array. */
  #looksNested(): boolean {
    const { src, start, end, escaped } = this.#tokens
    let first = start
    while (first < end && src[first]! <= 0x20) first++
    const byte = src[first]
    // (Behind an escape may stand anything: a space, a bracket.)
    return (byte === 0x7b || byte === 0x5b || (escaped && byte === 0x5c)) && end - first > 1
  }

  /** Places the string or number of the newest token behind its name; where it ends. */
  #place(entry: NameEntry, quotes: number): number {
    const { src, start, end, escaped } = this.#tokens
    const from = entry.context.length
    const at = this.#values.place(entry, end - start)
    if (quotes > 0 && escaped) return decodeString(src, start, end, at, from)
    const length = end - start
    if (length > 64) at.set(src.subarray(start, end), from)
    else for (let i = 0; i < length; i++) at[from + i] = src[start + i]!
    return from + length
  }

  /** JSON in the newest string; true: something in it was hidden. */
  #nestedText(entry: NameEntry, nodes: readonly PointerNode[]): boolean {
    const { src, start, end } = this.#tokens
    const text = Buffer.allocUnsafe(end - start)
    const inner = text.subarray(0, decodeString(src, start, end, text, 0))
    if (!/^\s*[[{]/.test(inner.toString('latin1', 0, 64))) return false
    const parts: Uint8Array[] = []
    try {
      const body = new JsonBody(this.#values, { nodes, entry, nested: this.#nested + 1 })
      parts.push(...body.write(inner), ...body.end())
    } catch (error) {
      // It only looks like JSON: detectors read it as any other string.
      if (error instanceof BodyProblem) return false
      throw error
    }
    const masked = Buffer.concat(parts)
    if (masked.equals(inner)) return false
    this.#quote(masked, 0, masked.length)
    return true
  }

  #number(entry: NameEntry): void {
    const values = this.#values
    if (values.scan === undefined) return
    let to = this.#place(entry, 0)
    if (!values.scanned(entry, to)) {
      // 4.111111111111111e15 is a card number too.
      const { src, start, end } = this.#tokens
      const whole = expandInteger(src, start, end)
      if (whole === undefined) return
      to = entry.context.length + whole.length
      values.place(entry, whole.length).set(whole, entry.context.length)
      if (!values.scanned(entry, to)) return
    }
    this.#write(NULL_TEXT, this.#tokens.start, this.#tokens.end)
  }

  #mask(token: Token, plan: FieldPlan, entry: NameEntry): void {
    if (token === NULL) return
    const { start, end } = this.#tokens
    if (token !== STRING) {
      this.#values.count(plan.dataClass)
      this.#write(NULL_TEXT, start, end)
      return
    }
    if (plan.kind === 'mask' && this.#tooLong()) return
    const to = this.#place(entry, QUOTED)
    if (this.#values.masked(plan, entry, to)) this.#replace()
    else this.#write(NULL_TEXT, start - 1, end + 1)
  }

  /** A string that nobody looks at, since it is too long: whether it came in one piece or in many. */
  #tooLong(): boolean {
    if (this.#tokens.end - this.#tokens.start <= LONGEST_VALUE) return false
    this.#values.redact()
    this.#replace()
    return true
  }

  /** The newest mask takes the place of the newest name or string. */
  #replace(): void {
    const { out, start, end } = this.#values
    this.#quote(out, start, end)
  }

  #quote(bytes: Uint8Array, start: number, end: number): void {
    const tokens = this.#tokens
    this.#out.pass(tokens.src, this.#from, tokens.start - 1)
    const room = this.#out.room(encodedBytes(end - start))
    this.#out.wrote(encodeString(bytes, start, end, room, this.#out.length))
    this.#from = tokens.end + 1
  }

  #write(bytes: Uint8Array, start: number, end: number): void {
    this.#out.pass(this.#tokens.src, this.#from, start)
    this.#out.pass(bytes, 0, bytes.length)
    this.#from = end
  }

  /** A string that has no end yet and is too long to be held. */
  #giveUpLong(): void {
    const tokens = this.#tokens
    const open = tokens.openString
    if (open === undefined) return
    if (open === 'name') {
      if (tokens.held > LONGEST_NAME) throw new BodyProblem('too_long', 'A name is too long.')
      return
    }
    if (tokens.held <= LONGEST_VALUE + 1) return
    tokens.passLong()
    if (this.#hidden >= 0) return
    const depth = tokens.depth
    const entry = this.#entries[depth]!
    const nodes = this.#pointers ? this.#nodesHere(depth) : NONE
    const plan = planAt(nodes, entry.plan)
    if (plan === undefined && this.#values.scan === undefined && !this.#values.rules.byField) return
    this.#out.pass(tokens.src, this.#from, tokens.start)
    if (plan?.kind === 'null') {
      this.#values.count(plan.dataClass)
      this.#out.pass(NULL_TEXT, 0, NULL_TEXT.length)
    } else {
      this.#values.redact()
      const { out, start, end } = this.#values
      const room = this.#out.room(encodedBytes(end - start))
      this.#out.wrote(encodeString(out, start, end, room, this.#out.length))
    }
    this.#from = tokens.end
    this.#dropping = true
  }
}

/** The plan that shows least of those that apply. */
function planAt(nodes: readonly PointerNode[], byName: FieldPlan | undefined) {
  let least = byName
  for (const { plan } of nodes)
    if (plan !== undefined && (least === undefined || plan.order < least.order)) least = plan
  return least
}

function leadOn(above: readonly PointerNode[], name: Buffer): readonly PointerNode[] {
  const on: PointerNode[] = []
  for (const { parts, any } of above) {
    if (any !== undefined) on.push(any)
    for (const { bytes, node } of parts) if (bytes.equals(name)) on.push(node)
  }
  return on.length === 0 ? NONE : on
}

function leadOnPlace(above: readonly PointerNode[], here: number): readonly PointerNode[] {
  const on: PointerNode[] = []
  for (const { parts, any } of above) {
    if (any !== undefined) on.push(any)
    for (const { place, node } of parts) if (place === here) on.push(node)
  }
  return on.length === 0 ? NONE : on
}
