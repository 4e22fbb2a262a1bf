// What is checked, in its order, and what was seen at each step. The first step that fails ends it: what rests on
// something broken proves nothing.
import { Broken, type Bytes, base64, hex, same } from './bytes.ts'
import { type Head, isSigned, type Key, readHead, readKey } from './note.ts'
import {
  checkConsistency,
  checkInclusion,
  consistencyProof,
  inclusionPath,
  type PathStep,
} from './shape.ts'
import { CheckedTiles, edgesOf, type LogBytes, TILE_WIDTH, tilePath } from './tiles.ts'

export type StepName = 'key' | 'head' | 'signature' | 'tree' | 'continuity' | 'entries' | 'path'
/** `unchecked`: nothing is wrong, and nothing is shown either; the step says why. */
export type Outcome = 'holds' | 'fails' | 'unchecked'

export interface Step {
  readonly name: StepName
  readonly outcome: Outcome
  /** What was done and what came of it, in a sentence. */
  readonly said: string
  readonly facts: readonly (readonly [string, string])[]
  readonly path?: readonly PathStep[]
}

/** What this browser saw and verified last. */
export interface Seen {
  readonly vkey: string
  readonly note: string
  readonly at: number
}

export interface Question {
  /** As the gateway states them. */
  readonly vkey: string
  readonly note: string
  /** The key that a person wrote down, when it was given. */
  readonly trusted?: string | undefined
  readonly seen: Seen | undefined
  readonly bytes: LogBytes
}

/** The head as far as it was checked, and the tree under it. */
export interface CheckedHead {
  readonly key: Key
  readonly head: Head
  readonly tiles: CheckedTiles
}

type Tell = (step: Step) => void

/** Undefined when a step failed; `tell` was told which. Throws what `bytes` throws. */
export async function verifyHead(question: Question, tell: Tell): Promise<CheckedHead | undefined> {
  const { seen, bytes } = question
  const key = await step('key', tell, () => checkKey(question))
  if (key === undefined) return undefined
  const head = await step('head', tell, async () => {
    const read = readHead(question.note, key)
    return [
      read,
      'holds',
      'The head reads as a signed note of that log.',
      [
        ['origin', read.origin],
        ['entries', String(read.size)],
        ['root', hex(read.root)],
      ],
    ]
  })
  if (head === undefined) return undefined
  const signed = await step('signature', tell, () => checkSignature(head, key))
  if (signed === undefined) return undefined
  const tiles = new CheckedTiles(bytes, head.size, head.root)
  const edge = await step('tree', tell, async () => {
    await tiles.edge()
    const read = edgesOf(head.size)
    return [
      true,
      'holds',
      'The tiles at the right edge were read and hashed up: they make the signed root.',
      [
        ...read.map(({ level, index, width }) => ['tile', tilePath(level, index, width)] as const),
        ['root', hex(head.root)],
      ],
    ]
  })
  if (edge === undefined) return undefined
  const goesOn = await step('continuity', tell, () => checkContinuity(head, key, seen, tiles))
  return goesOn === undefined ? undefined : { key, head, tiles }
}

export interface ProvenEntry {
  readonly index: number
  /** The very bytes that were hashed, as text. */
  readonly record: string
  /** A C2SP tlog-proof. */
  readonly proof: string
}

/** Reads the bundle of one entry, hashes all of it, and walks the path from that entry to the signed root. */
export async function verifyEntry(
  index: number,
  { head, tiles }: CheckedHead,
  tell: Tell,
): Promise<ProvenEntry | undefined> {
  const entry = await step('entries', tell, async () => {
    const at = Math.floor(index / TILE_WIDTH)
    const entries = await tiles.entries(at)
    const found = entries[index % TILE_WIDTH]
    if (found === undefined) throw new Broken(`Entry ${index} is not under the signed head.`)
    const record = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(found.bytes)
    checkNumber(record, index)
    return [
      { ...found, record },
      'holds',
      `${entries.length} entries were read and hashed: each is the one that the tree has at its place.`,
      [
        ['bundle', tilePath('entries', at, entries.length)],
        ['entry', `${index}, ${found.bytes.length} bytes`],
        ['leaf', hex(found.leaf)],
      ],
    ]
  })
  if (entry === undefined) return undefined
  const path = await step('path', tell, async () => {
    const hashes = await inclusionPath(index, head.size, tiles.range)
    const walked = await checkInclusion(index, head.size, entry.leaf, hashes, head.root)
    return [
      hashes,
      'holds',
      `From the leaf of entry ${index}, ${walked.length} hashes lead to the signed root.`,
      [['root', hex(head.root)]],
      walked,
    ]
  })
  if (path === undefined) return undefined
  return { index, record: entry.record, proof: proofText(index, path, head.note) }
}

/** Reads and hashes every entry under the head. `progress` is called after each bundle. */
export async function verifyEveryEntry(
  { head, tiles }: CheckedHead,
  tell: Tell,
  progress: (entries: number) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const done = await step('entries', tell, async () => {
    for (let at = 0; at * TILE_WIDTH < head.size; at++) {
      signal.throwIfAborted()
      const entries = await tiles.entries(at)
      entries.forEach(({ bytes }, place) => {
        checkNumber(new TextDecoder().decode(bytes), at * TILE_WIDTH + place)
      })
      progress(at * TILE_WIDTH + entries.length)
    }
    return [
      true,
      'holds',
      'Every entry was read and hashed: together they make the signed root.',
      [
        ['entries', String(head.size)],
        ['root', hex(head.root)],
      ],
    ]
  })
  return done === true
}

type Done<Value> = readonly [
  value: Value,
  outcome: Outcome,
  said: string,
  facts: Step['facts'],
  path?: readonly PathStep[],
]

async function step<Value>(
  name: StepName,
  tell: Tell,
  work: () => Promise<Done<Value>>,
): Promise<Value | undefined> {
  try {
    const [value, outcome, said, facts, path] = await work()
    tell({ name, outcome, said, facts, ...(path === undefined ? {} : { path }) })
    return value
  } catch (error) {
    // What was broken is the answer. A gateway that does not answer is another matter: the caller's.
    if (!(error instanceof Broken)) throw error
    tell({ name, outcome: 'fails', said: error.message, facts: [] })
    return undefined
  }
}

async function checkKey({ vkey, trusted, seen }: Question): Promise<Done<Key>> {
  const key = await readKey(vkey)
  const facts = [
    ['name', key.name],
    ['key id', key.id],
    ['vkey', vkey],
  ] as const
  if (trusted !== undefined && trusted !== vkey)
    throw new Broken('The gateway states another public key than the one that you gave.')
  if (seen !== undefined && seen.vkey !== vkey)
    throw new Broken('The gateway states another public key than the one that this browser knows.')
  if (trusted !== undefined) return [key, 'holds', 'It is the public key that you gave.', facts]
  return seen === undefined
    ? [
        key,
        'unchecked',
        'This browser sees the key for the first time and has nothing to compare it with. Compare it with the one that was written down.',
        facts,
      ]
    : [key, 'holds', 'It is the key that this browser has known since it first looked.', facts]
}

async function checkSignature(head: Head, key: Key): Promise<Done<true>> {
  const signed = await isSigned(head, key)
  if (signed === false) throw new Broken('The signature under the head is not one of this key.')
  const facts = [
    ['key id', key.id],
    ['signature', hex(head.signature)],
  ] as const
  return signed === undefined
    ? [
        true,
        'unchecked',
        'This browser cannot check Ed25519 signatures. Everything below is held against a head that nobody vouched for: use another browser, or the command line.',
        facts,
      ]
    : [true, 'holds', 'The key signed these three lines: origin, number of entries, root.', facts]
}

async function checkContinuity(
  head: Head,
  key: Key,
  seen: Seen | undefined,
  tiles: CheckedTiles,
): Promise<Done<true>> {
  if (seen === undefined) {
    const said =
      'This browser saw no head of this log before. It keeps this one, and compares next time.'
    return [true, 'unchecked', said, []]
  }
  const before = readHead(seen.note, key)
  const facts: (readonly [string, string])[] = [
    ['seen', `${before.size} entries, root ${hex(before.root)}`],
    ['now', `${head.size} entries, root ${hex(head.root)}`],
  ]
  if (head.size < before.size) {
    throw new Broken(
      `The log went back: this browser saw a head over ${before.size} entries, and the newest is over ${head.size}. ${before.size - head.size} entries that were signed are gone.`,
    )
  }
  if (head.size === before.size) {
    if (!same(before.root, head.root)) throw new Broken(forked(before.size))
    return [true, 'holds', 'It is the very head that this browser saw last.', facts]
  }
  const proof = await consistencyProof(before.size, head.size, tiles.range)
  try {
    await checkConsistency(before.size, head.size, before.root, head.root, proof)
  } catch (error) {
    // Tiles that were checked already make this proof: only other entries under the old head can break it.
    if (error instanceof Broken) throw new Broken(forked(before.size))
    throw error
  }
  return [
    true,
    'holds',
    `The ${before.size} entries that this browser saw are the first of these ${head.size}: ${proof.length} hashes make both roots.`,
    [...facts, ...proof.map(hash => ['hash', hex(hash)] as const)],
  ]
}

function forked(size: number): string {
  return `The log was forked: its first ${size} entries are not those under the head that this browser saw.`
}

function checkNumber(record: string, index: number): void {
  let number: unknown
  try {
    number = (JSON.parse(record) as { seq?: unknown }).seq
  } catch {
    // Told below: an entry that is no JSON has no number.
  }
  if (number !== index)
    throw new Broken(`The entry at place ${index} does not say that it is number ${index}.`)
}

function proofText(index: number, path: readonly Bytes[], note: string): string {
  const hashes = path.map(hash => `${base64(hash)}\n`).join('')
  return `c2sp.org/tlog-proof@v1\nindex ${index}\n${hashes}\n${note}`
}
