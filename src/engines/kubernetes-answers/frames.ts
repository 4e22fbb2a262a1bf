// What is noted of an object while it is read: what it says that it is, and where the values stand that may be hidden.
import type { HolderKind, Told } from './rules.ts'

export type Member = 'data' | 'stringData' | 'binaryData'

/** A value of a key. `[start, end)` with the quotes. */
export interface Spot {
  readonly key: string
  readonly start: number
  end: number
  readonly escaped: boolean
  /** Undefined: it stands among the annotations. */
  readonly member?: Member
  /** False: something else stands where a string should. */
  readonly string: boolean
}

export interface Frame {
  readonly parent: Frame | undefined
  /** It is what was asked for, or stands where that stands: the text itself, an item, an event's object, a row's. */
  readonly line: boolean
  /** It is an item of `parent`. */
  readonly item: boolean
  kind?: string
  apiVersion?: string
  reason?: string
  namespace?: string
  name?: string
  /** It says twice what it is called. */
  doubtful: boolean
  readonly values: Spot[]
  readonly annotations: Spot[]
  readonly messages: Spot[]
}

export function frameIn(parent: Frame | undefined, line: boolean, item = false): Frame {
  return { parent, line, item, doubtful: false, values: [], annotations: [], messages: [] }
}

const HOLDERS: ReadonlySet<string> = new Set<HolderKind>(['Secret', 'ConfigMap'])

/** `SecretList` is of Secrets; undefined: it does not say of what it is. */
export function toldByList(kind: string | undefined): Told | undefined {
  if (kind === undefined || kind === 'List' || kind === 'PartialObjectMetadataList')
    return undefined
  if (!kind.endsWith('List')) return undefined
  return holder(kind.slice(0, -'List'.length)) ?? 'other'
}

function holder(kind: string): HolderKind | undefined {
  return HOLDERS.has(kind) ? (kind as HolderKind) : undefined
}

/** What the object is. By its own kind, else by its list's, else by what was asked. */
export function toldOf(frame: Frame, asked: Told): Told {
  // Where Secrets were asked for there are Secrets, whatever they call themselves.
  if (frame.line && asked === 'Secret') return 'Secret'
  const { kind } = frame
  if (kind !== undefined && !kind.startsWith('PartialObjectMetadata'))
    return holder(kind) ?? 'other'
  if (frame.item) {
    const byList = toldByList(frame.parent?.kind)
    if (byList !== undefined) return byList
  }
  return frame.line ? asked : 'other'
}
