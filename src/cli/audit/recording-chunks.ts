// Holds the sealed blocks of recordings against the chunk hashes in the log. Opens nothing: hashes are over what is
// on the disk, so a recording whose key was destroyed verifies as well as any other.
import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '#model'
import type { Findings, RecordingCounts } from './report.ts'

const MARK_BYTES = 8

interface LoggedChunk {
  readonly recording: string
  readonly chunk: number
  readonly sha256: string
}

export class RecordingChecks {
  readonly #folder: string | undefined
  readonly #findings: Findings
  /** The hashes of the blocks of the recordings seen last; records of one session come close together. */
  readonly #files = new Map<string, readonly string[] | undefined>()
  #matching = 0
  #absent = 0

  constructor(folder: string | undefined, findings: Findings) {
    this.#folder = folder
    this.#findings = findings
  }

  get counts(): RecordingCounts {
    return { matching: this.#matching, absent: this.#absent }
  }

  check(record: JsonObject, index: number): void {
    if (this.#folder === undefined || record['kind'] !== 'recording.chunk') return
    const logged = readChunk(record)
    if (logged === undefined) {
      this.#findings.problem(
        'segments',
        `Record ${index} does not say which chunk it is about.`,
        index,
      )
      return
    }
    const hashes = this.#hashes(this.#folder, logged.recording)
    if (hashes === undefined) this.#absent++
    else if (hashes[logged.chunk] === logged.sha256) this.#matching++
    else {
      const what = hashes[logged.chunk] === undefined ? 'is missing' : 'was changed'
      this.#findings.problem(
        `recording ${logged.recording}`,
        `Chunk ${logged.chunk} ${what}.`,
        index,
      )
    }
  }

  #hashes(folder: string, recording: string): readonly string[] | undefined {
    if (this.#files.has(recording)) return this.#files.get(recording)
    const path = join(folder, `${recording}.rec`)
    const hashes = existsSync(path) ? blockHashes(readFileSync(path)) : undefined
    if (this.#files.size >= 64) this.#files.clear()
    this.#files.set(recording, hashes)
    return hashes
  }
}

/** The file of a recording: a mark of 8 bytes, then blocks of `length u32 BE | sealed bytes`. */
function blockHashes(file: Buffer): string[] {
  const hashes: string[] = []
  for (let at = MARK_BYTES; at + 4 <= file.length; ) {
    const end = at + 4 + file.readUInt32BE(at)
    if (end > file.length) break
    hashes.push(hash('sha256', file.subarray(at + 4, end), 'hex'))
    at = end
  }
  return hashes
}

function readChunk(record: JsonObject): LoggedChunk | undefined {
  const details = record['details']
  if (typeof details !== 'object' || details === null || Array.isArray(details)) return undefined
  const { recording = record['session'], chunk, sha256 } = details as JsonObject
  // The name becomes a path: only what our own ids look like.
  if (typeof recording !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(recording)) return undefined
  if (typeof chunk !== 'number' || typeof sha256 !== 'string') return undefined
  return { recording, chunk, sha256 }
}
