// The offline verifier: reads a log's folder, needs no gateway, no network and no service, and believes nothing that
// it can recompute. docs/spec/audit-log.md is the format; docs/spec/verify_log.py is its independent twin.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  decodeRecord,
  INDEX_STRIDE,
  leafHash,
  type NoteVerifier,
  parseVkey,
  segmentName,
  TILE_WIDTH,
  type Tile,
  Tree,
  tilePath,
} from '#engines/merkle'
import { isGatewayError, type JsonObject } from '#model'
import { Heads } from './heads.ts'
import { listFiles, listSegments, segmentPath, walkFile } from './log-files.ts'
import { RecordingChecks } from './recording-chunks.ts'
import { Findings, type VerifyReport } from './report.ts'

/** Heartbeats come each 60 s; a silence of more than this inside one run is worth a notice. */
const MOST_SILENCE_MS = 90_000

export interface VerifyOptions {
  /** The log's public key, from outside. Without it the folder's own is used, which proves much less. */
  readonly vkey?: string
  /** A signed note from before: the log must continue it. */
  readonly since?: string
  /** The folder of recordings: chunks that are there are held against the log. */
  readonly recordings?: string
}

/** Verifies the whole log: each frame, record, head and tile. Throws ConfigurationError for a vkey that is none. */
export function verifyLog(folder: string, options: VerifyOptions = {}): VerifyReport {
  const findings = new Findings()
  const { verifier, vkey } = readKey(folder, options.vkey, findings)
  const heads =
    verifier === undefined ? undefined : new Heads(folder, verifier, options.since, findings)
  const recordings = new RecordingChecks(options.recordings, findings)
  const timeline = new Timeline(findings)
  const tiles = new Tiles(folder, findings)
  const tree = new Tree(tile => tiles.check(tile))
  // A live log grows while we read. Heads, tiles and indexes are listed first, so that what they speak of is there.
  const indexes = new Set(
    listFiles(join(folder, 'segments')).filter(name => name.endsWith('.index')),
  )
  const firsts = listSegments(folder)

  heads?.check(tree)
  for (const first of firsts) {
    const file = segmentPath(first)
    if (first !== tree.size) {
      findings.problem(
        file,
        `The segment begins with record ${first}, but ${tree.size} comes next.`,
      )
      break
    }
    const offsets: number[] = []
    const walk = walkFile(join(folder, file), (bytes, offset) => {
      const index = tree.size
      if ((index - first) % INDEX_STRIDE === 0) offsets.push(offset)
      const record = readRecord(bytes, index, file, findings)
      tree.append(leafHash(bytes))
      if (record !== undefined) {
        timeline.check(record, index, file)
        recordings.check(record, index)
      }
      heads?.check(tree)
      return true
    })
    if (indexes.has(indexName(first))) checkIndex(folder, first, offsets, findings)
    if (walk.end === 'whole') continue
    const at = `at byte ${walk.offset}`
    // A crash leaves a cut frame at the end of the last segment; the next start puts it aside and says so.
    if (walk.end === 'cut' && first === firsts.at(-1)) {
      findings.notice(
        file,
        `The last ${walk.fileBytes - walk.offset} bytes ${at} are an unfinished record.`,
        tree.size,
      )
    } else if (walk.end === 'no-mark')
      findings.problem(file, 'This is not a segment: its mark is wrong.')
    else findings.problem(file, `A frame ${at} is damaged.`, tree.size)
    break
  }
  if (tree.size === 0) findings.problem('segments', 'There are no records.')
  heads?.end(tree)
  tiles.end(heads?.largest ?? 0)
  return {
    ok: findings.problems.length === 0,
    origin: verifier?.name ?? '',
    vkey,
    size: tree.size,
    root: Buffer.from(tree.root()).toString('hex'),
    unsigned: Math.max(0, tree.size - (heads?.largest ?? 0)),
    checkpoints: heads?.verified ?? 0,
    tiles: tiles.equal,
    recordings: recordings.counts,
    problems: findings.problems,
    notices: findings.notices,
  }
}

function readKey(
  folder: string,
  given: string | undefined,
  findings: Findings,
): { verifier: NoteVerifier | undefined; vkey: string } {
  const path = join(folder, 'audit.vkey')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  const own = text?.slice(0, -1)
  if (given !== undefined) {
    if (text !== undefined && text !== `${given}\n`) {
      findings.problem('audit.vkey', 'The folder names another key than the one that was given.')
    }
    return { verifier: parseVkey(given), vkey: given }
  }
  if (own === undefined || !text?.endsWith('\n')) {
    findings.problem('audit.vkey', 'There is no public key, and none was given.')
    return { verifier: undefined, vkey: '' }
  }
  try {
    const verifier = parseVkey(own)
    findings.notice(
      'audit.vkey',
      'The key is the folder’s own. Give the key that you wrote down to prove who signed.',
    )
    return { verifier, vkey: own }
  } catch (error) {
    // Here the key is part of what is verified, so a bad one is a finding.
    findings.problem(
      'audit.vkey',
      isGatewayError(error) ? error.message : 'The public key cannot be read.',
    )
    return { verifier: undefined, vkey: own }
  }
}

function readRecord(
  bytes: Uint8Array,
  index: number,
  file: string,
  findings: Findings,
): JsonObject | undefined {
  try {
    return decodeRecord(bytes, index)
  } catch (error) {
    // The tree still takes the bytes: the heads tell whether they were written like this.
    findings.problem(
      file,
      isGatewayError(error) ? error.message : 'A record cannot be read.',
      index,
    )
    return undefined
  }
}

const indexName = (first: number): string => segmentName(first).replace(/\.log$/, '.index')

/** The sidecar index is no authority, but a wrong one means that somebody was here. */
function checkIndex(
  folder: string,
  first: number,
  offsets: readonly number[],
  findings: Findings,
): void {
  const file = join('segments', indexName(first))
  const expected = Buffer.alloc(offsets.length * 4)
  offsets.forEach((offset, at) => {
    expected.writeUInt32BE(offset, at * 4)
  })
  if (!readFileSync(join(folder, file)).equals(expected)) {
    findings.problem(file, 'The index does not fit its segment.')
  }
}

/** Order and rhythm of the records. Clocks can step, so these are notices. */
class Timeline {
  readonly #findings: Findings
  #last = Number.NEGATIVE_INFINITY

  constructor(findings: Findings) {
    this.#findings = findings
  }

  check(record: JsonObject, index: number, file: string): void {
    const at = Date.parse(String(record['ts']))
    if (Number.isNaN(at)) {
      this.#findings.problem(file, `Record ${index} has no time that exists.`, index)
      return
    }
    const gap = at - this.#last
    if (gap < 0) this.#findings.notice(file, `The clock went back by ${-gap} ms.`, index)
    if (Number.isFinite(gap) && gap > MOST_SILENCE_MS && record['kind'] !== 'log.start') {
      this.#findings.notice(
        file,
        `No record for ${Math.round(gap / 1000)} s, not even a heartbeat.`,
        index,
      )
    }
    this.#last = at
  }
}

/** Full tiles are on the disk as soon as a head covers them. */
class Tiles {
  readonly #folder: string
  readonly #findings: Findings
  readonly #known = new Set<string>()
  readonly #missing: { path: string; leaves: number }[] = []
  readonly #present: readonly string[]
  equal = 0

  constructor(folder: string, findings: Findings) {
    this.#folder = folder
    this.#findings = findings
    this.#present = listFiles(join(folder, 'tile')).map(
      file => `tile/${file.replaceAll('\\', '/')}`,
    )
  }

  check({ level, index, bytes }: Tile): void {
    const path = tilePath(level, index)
    this.#known.add(path)
    if (!existsSync(join(this.#folder, path))) {
      this.#missing.push({ path, leaves: (index + 1) * TILE_WIDTH ** (level + 1) })
    } else if (Buffer.compare(readFileSync(join(this.#folder, path)), bytes) === 0) this.equal++
    else this.#findings.problem(path, 'The tile does not fit the records.')
  }

  end(signed: number): void {
    for (const { path, leaves } of this.#missing) {
      if (leaves <= signed)
        this.#findings.problem(
          path,
          'The tile is missing. (It can be made again from the records.)',
        )
    }
    for (const path of this.#present) {
      // A `.new` file is a write that a crash cut short.
      if (!this.#known.has(path) && !path.endsWith('.new'))
        this.#findings.problem(path, 'No such tile belongs to this log.')
    }
  }
}
