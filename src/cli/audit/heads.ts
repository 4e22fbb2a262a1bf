// The signed heads of a log, in the order in which they were signed, each held against the tree when it has that size.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Checkpoint,
  type NoteVerifier,
  openCheckpoint,
  sameHash,
  type Tree,
} from '#engines/merkle'
import { readLines } from './log-files.ts'
import type { Findings } from './report.ts'

interface Head extends Checkpoint {
  readonly file: string
}

export class Heads {
  readonly #findings: Findings
  readonly #verifier: NoteVerifier
  /** Few: the newest head, and the one that the caller trusts. */
  readonly #apart: Head[] = []
  readonly #list: Iterator<Head>
  #next: Head | undefined
  #verified = 0
  #largest = 0

  constructor(
    folder: string,
    verifier: NoteVerifier,
    since: string | undefined,
    findings: Findings,
  ) {
    this.#findings = findings
    this.#verifier = verifier
    const newest = join(folder, 'checkpoint')
    if (existsSync(newest)) this.#addApart('checkpoint', readFileSync(newest, 'utf8'))
    else findings.problem('checkpoint', 'There is no signed head.')
    if (since !== undefined) this.#addApart('(the checkpoint to start from)', since)
    const list = join(folder, 'checkpoints.jsonl')
    if (!existsSync(list)) findings.problem('checkpoints.jsonl', 'The list of heads is missing.')
    this.#list = existsSync(list) ? this.#read(list, statSync(list).size) : [].values()
    this.#next = this.#list.next().value ?? undefined
  }

  get verified(): number {
    return this.#verified
  }

  /** The number of records under the largest head that verified. */
  get largest(): number {
    return this.#largest
  }

  /** Call at each size of the tree, from 0 on. */
  check(tree: Tree): void {
    for (const head of this.#apart) {
      if (head.size === tree.size) this.#compare(head, tree)
    }
    while (this.#next !== undefined && this.#next.size <= tree.size) {
      if (this.#next.size === tree.size) this.#compare(this.#next, tree)
      else
        this.#findings.problem(
          this.#next.file,
          `A head over ${this.#next.size} records stands behind a larger one.`,
        )
      this.#next = this.#list.next().value ?? undefined
    }
  }

  /** Call after the last record: heads over more records than there are tell of a cut. */
  end(tree: Tree): void {
    const beyond = this.#apart.filter(head => head.size > tree.size)
    while (this.#next !== undefined) {
      if (this.#next.size > tree.size) beyond.push(this.#next)
      this.#next = this.#list.next().value ?? undefined
    }
    for (const head of beyond) {
      this.#findings.problem(
        head.file,
        `${head.size} records were signed, but only ${tree.size} are there: the log was cut.`,
      )
    }
  }

  #compare(head: Head, tree: Tree): void {
    if (sameHash(head.root, tree.root())) this.#verified++
    else
      this.#findings.problem(
        head.file,
        `The records are not those of the head over ${head.size}: the log was changed.`,
      )
  }

  #open(file: string, note: string): Head | undefined {
    const checkpoint = openCheckpoint(note, this.#verifier)
    if (checkpoint === undefined) {
      this.#findings.problem(file, 'A head is not signed by this log’s key.')
      return undefined
    }
    this.#largest = Math.max(this.#largest, checkpoint.size)
    return { ...checkpoint, file }
  }

  #addApart(file: string, note: string): void {
    const head = this.#open(file, note)
    if (head !== undefined) this.#apart.push(head)
  }

  /** The heads in the first `size` bytes of the list: what a live log adds later is for the next time. */
  *#read(path: string, size: number): Generator<Head, undefined> {
    const file = 'checkpoints.jsonl'
    for (const { text, whole } of readLines(path, size)) {
      const note = noteOf(text)
      if (!whole) this.#findings.problem(file, 'The last line is cut.')
      else if (note === undefined) this.#findings.problem(file, 'A line is not a head.')
      else {
        const head = this.#open(file, note)
        if (head !== undefined) yield head
      }
    }
    return undefined
  }
}

/** The note of a line, if the line is spelled exactly as the writer spells it. */
function noteOf(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('checkpoint' in value)) return undefined
    const { checkpoint } = value
    if (typeof checkpoint !== 'string') return undefined
    return JSON.stringify({ checkpoint }) === line ? checkpoint : undefined
  } catch {
    // Not JSON: the caller reports the line.
    return undefined
  }
}
