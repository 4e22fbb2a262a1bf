// From the objects of a text to what is written in place of their values.
import { Buffer } from 'node:buffer'
import { BodyProblem } from '#engines/bodies'
import { encodedBytes, encodeString } from '#engines/json'
import { maskedBytes } from '#engines/masking'
import { type Edit, edited, settled } from './edits.ts'
import { namesThingsOnly } from './failures.ts'
import { type Frame, type Spot, toldOf } from './frames.ts'
import { type ObjectText, readObjects, textOf } from './object-text.ts'
import {
  type AskedObjects,
  type Hidden,
  type HolderKind,
  type ObjectRules,
  objectName,
  type Told,
} from './rules.ts'

/** JSON in a string of JSON, and so on. */
const MOST_NESTED = 3
const NULL_TEXT = Buffer.from('null')
/** Shorter texts of one line are what annotations usually hold. */
const LONGEST_PLAIN = 256
/** Something in base64 that is no digest in hexadecimal: archives of what was applied. */
const ENCODED = /^(?![0-9a-f]+$)[A-Za-z0-9+/_-]{40,}={0,2}$/
const BASE_64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const UNREADABLE = Buffer.from('***')
const HIDDEN_MESSAGE = Buffer.from(
  '"The message is hidden: it may quote values that are masked for you."',
)

/** The object that a value belongs to, as policies name it. */
interface Identity {
  readonly kind: HolderKind
  readonly object: string
  /** False: nobody can say that it is that one. */
  readonly told: boolean
}

/** A text within an annotation of an object is of that object, whatever it says. */
interface Within {
  readonly told: Told
  readonly owner: Identity | undefined
  readonly nested: number
}

/** For one answer; counts what it hides. */
export class ObjectMasks {
  readonly found = new Map<string, number>()
  readonly #rules: ObjectRules
  readonly #asked: AskedObjects
  readonly #touched: boolean
  /** How many values of holders were looked at. */
  #judged = 0

  /** `touched`: masks stand in the texts already, in base64 too. */
  constructor(rules: ObjectRules, asked: AskedObjects, touched: boolean) {
    this.#rules = rules
    this.#asked = asked
    this.#touched = touched
  }

  /** What is to be changed in a whole text; `told`: what its objects are that do not say it. Throws BodyProblem. */
  edits(src: Uint8Array, read: ObjectText, told: Told): readonly Edit[] {
    return this.#edits(src, read, { told, owner: undefined, nested: 0 })
  }

  #edits(src: Uint8Array, read: ObjectText, within: Within): readonly Edit[] {
    const edits: Edit[] = []
    for (const frame of read.frames) {
      const told = toldOf(frame, within.told)
      // What may be anything may be a Secret.
      const kind: HolderKind | undefined =
        told === 'unknown' ? 'Secret' : told === 'other' ? undefined : told
      if (kind === undefined || (kind === 'ConfigMap' && !this.#rules.configMaps))
        this.#others(src, frame, within.nested, edits)
      else this.#holder(src, frame, kind, told === 'unknown', within, edits)
      for (const spot of frame.messages)
        if (this.#isDoubtful(src, spot, frame, within.told))
          edits.push({ ...spot, bytes: HIDDEN_MESSAGE })
    }
    for (const spot of read.strings) this.#nested(src, spot, within, edits)
    return settled(edits)
  }

  #holder(
    src: Uint8Array,
    frame: Frame,
    kind: HolderKind,
    guessed: boolean,
    within: Within,
    edits: Edit[],
  ): void {
    const owner = this.#ownerOf(frame, kind, within.owner)
    let hides = false
    this.#judged += frame.values.length
    for (const spot of frame.values) {
      const told = owner.told && spot.key !== ''
      const hidden = this.#rules.hides({ object: owner.object, column: spot.key || '*' }, told)
      if (hidden !== undefined) {
        hides = true
        edits.push(this.#masked(src, spot, kind, hidden))
      } else if (!isEncoded(kind, spot)) this.#nested(src, spot, within, edits)
      else if (this.#touched) this.#mend(src, spot, edits)
    }
    const all = kind === 'Secret' && !guessed ? this.#whole(kind) : undefined
    for (const spot of frame.annotations)
      this.#annotation(src, spot, { kind, owner, within, hides: hides || all !== undefined }, edits)
  }

  #others(src: Uint8Array, frame: Frame, nested: number, edits: Edit[]): void {
    const within: Within = { told: 'other', owner: undefined, nested }
    for (const spot of frame.values) this.#nested(src, spot, within, edits)
    for (const spot of frame.annotations) this.#nested(src, spot, within, edits)
  }

  /** What is applied is often kept there whole. */
  #annotation(
    src: Uint8Array,
    spot: Spot,
    of: {
      readonly kind: HolderKind
      readonly owner: Identity
      readonly within: Within
      readonly hides: boolean
    },
    edits: Edit[],
  ): void {
    const text = inside(src, spot)
    const written = text.toString('utf8')
    const short = written.length <= LONGEST_PLAIN && !written.includes('\n')
    if (/^\s*[[{]/.test(written)) {
      const nested = of.within.nested + 1
      const within = { told: of.kind, owner: of.owner, nested }
      const judged = this.#judged
      const masked = nested > MOST_NESTED ? undefined : this.#maskedText(text, within, true)
      if (masked !== undefined && masked !== text) edits.push(quoted(spot, masked))
      // One in which no value stands where values stand may hold them elsewhere.
      if (masked !== undefined && (masked !== text || short || this.#judged > judged)) return
    } else if (short && !ENCODED.test(written)) return
    if (!of.hides) return
    edits.push(this.#mark(spot, of.kind))
  }

  /** A string in which an object may stand that says itself that it is a Secret. */
  #nested(src: Uint8Array, spot: Spot, within: Within, edits: Edit[]): void {
    if (!spot.string || within.nested >= MOST_NESTED) return
    const text = inside(src, spot)
    if (!/^\s*[[{]/.test(text.toString('latin1', 0, 64))) return
    const everywhere = within.owner !== undefined
    const deeper: Within = everywhere
      ? { ...within, nested: within.nested + 1 }
      : { told: 'other', owner: undefined, nested: within.nested + 1 }
    const masked = this.#maskedText(text, deeper, everywhere)
    if (masked !== undefined && masked !== text) edits.push(quoted(spot, masked))
  }

  /** The same bytes: nothing in it is hidden; undefined: it is no JSON. */
  #maskedText(text: Buffer, within: Within, everywhere: boolean): Uint8Array | undefined {
    try {
      const edits = this.#edits(text, readObjects(text, everywhere), within)
      return edits.length === 0 ? text : edited(text, 0, text.length, edits)
    } catch (error) {
      // It only looks like JSON: who asked decides what becomes of it.
      if (error instanceof BodyProblem) return undefined
      throw error
    }
  }

  /** What stands within an object's annotations is that object's, unless it is of another kind: then it is nobody's. */
  #ownerOf(frame: Frame, kind: HolderKind, around: Identity | undefined): Identity {
    if (around?.kind === kind) return around
    const own = this.#identity(frame, kind)
    return around === undefined ? own : { ...own, told: false }
  }

  /** Of what stands somewhere within another object anybody may have written the name. */
  #identity(frame: Frame, kind: HolderKind): Identity {
    const name = frame.name ?? this.#asked.name
    const namespace = frame.namespace ?? this.#asked.namespace
    const told = frame.line && !frame.doubtful && isName(name) && isName(namespace)
    return { kind, object: objectName(kind, frame.apiVersion, namespace, name), told }
  }

  /** What is done with what may be of any key. */
  #whole(kind: HolderKind): Hidden | undefined {
    return this.#rules.hides({ object: objectName(kind, undefined), column: '*' }, false)
  }

  #masked(src: Uint8Array, spot: Spot, kind: HolderKind, hidden: Hidden): Edit {
    this.#count(hidden.dataClass)
    if (hidden.kind === 'null' || !spot.string) return { ...spot, bytes: NULL_TEXT }
    const encoded = isEncoded(kind, spot)
    let value = inside(src, spot)
    // (What is no base64 is nothing that a mask could show a part of.)
    if (encoded) value = Buffer.from(value.toString('latin1'), 'base64')
    const out = Buffer.allocUnsafe(maskedBytes(value.length))
    const mask = out.subarray(0, hidden.write(value, 0, value.length, out, 0))
    return encoded
      ? { ...spot, bytes: Buffer.from(`"${mask.toString('base64')}"`) }
      : quoted(spot, mask)
  }

  /** A detector's mask stands in what clients decode: they get it as the value. */
  #mend(src: Uint8Array, spot: Spot, edits: Edit[]): void {
    if (!spot.string) return
    const text = inside(src, spot)
    if (BASE_64.test(text.toString('latin1'))) return
    edits.push({ ...spot, bytes: Buffer.from(`"${text.toString('base64')}"`) })
  }

  /** In place of a text that cannot be read, though something in it may be hidden. */
  #mark(spot: Spot, kind: HolderKind): Edit {
    const hidden = this.#whole(kind)
    this.#count(hidden?.dataClass ?? kind)
    if (hidden?.kind !== 'mask') return quoted(spot, UNREADABLE)
    const out = Buffer.allocUnsafe(maskedBytes(0))
    return quoted(spot, out.subarray(0, hidden.write(out, 0, 0, out, 0)))
  }

  /** A patch that does not fit is answered with what it would have made of the object, all of it. */
  #isDoubtful(src: Uint8Array, spot: Spot, frame: Frame, told: Told): boolean {
    if (this.#asked.patches !== true) return false
    let status: Frame | undefined = frame
    while (status !== undefined && status.kind !== 'Status') status = status.parent
    if (status === undefined || namesThingsOnly(status.reason)) return false
    if (told === 'Secret') return this.#whole('Secret') !== undefined
    if (told === 'ConfigMap') return this.#rules.configMaps
    // What fields hold of other objects, and Secrets within them, is not told from within a text.
    const quotes = /[{|]/.test(inside(src, spot).toString('utf8'))
    if (told === 'unknown' && this.#whole('Secret') !== undefined) return quotes
    return this.#touched && quotes
  }

  #count(dataClass: string): void {
    this.found.set(dataClass, (this.found.get(dataClass) ?? 0) + 1)
  }
}

/** As the API server takes them (RFC 1123): a mask in the place of one is none. */
function isName(text: string | undefined): boolean {
  return text !== undefined && /^[a-z0-9][a-z0-9.-]{0,252}$/.test(text)
}

function isEncoded(kind: HolderKind, { member }: Spot): boolean {
  return member === 'binaryData' || (kind === 'Secret' && member !== 'stringData')
}

function inside(src: Uint8Array, { start, end, escaped }: Spot): Buffer {
  return textOf(src, start + 1, end - 1, escaped)
}

function quoted({ start, end }: Spot, text: Uint8Array): Edit {
  const bytes = Buffer.allocUnsafe(encodedBytes(text.length))
  return { start, end, bytes: bytes.subarray(0, encodeString(text, 0, text.length, bytes, 0)) }
}
