// What a verification found. `problems` mean that the log does not hold; `notices` are for a person to judge.

export interface Problem {
  /** Relative to the log's folder. */
  readonly file: string
  readonly message: string
  /** The record it is about. */
  readonly index?: number
}

export interface VerifyReport {
  readonly ok: boolean
  readonly origin: string
  /** The key that heads were verified with. */
  readonly vkey: string
  /** Whole records found, and the root over them (hex). */
  readonly size: number
  readonly root: string
  /** Records that no signed head covers yet. */
  readonly unsigned: number
  /** Signed heads that were verified and match the records. */
  readonly checkpoints: number
  readonly tiles: number
  readonly recordings: RecordingCounts
  readonly problems: readonly Problem[]
  readonly notices: readonly Problem[]
}

/** Chunks of recordings that the log names. */
export interface RecordingCounts {
  readonly matching: number
  /** No file is there: erased or never on this machine. The log still proves what it was. */
  readonly absent: number
}

/** Collects findings; stops keeping them after a thousand, for a ruined log has one in each record. */
export class Findings {
  readonly problems: Problem[] = []
  readonly notices: Problem[] = []

  problem(file: string, message: string, index?: number): void {
    keep(this.problems, file, message, index)
  }

  notice(file: string, message: string, index?: number): void {
    keep(this.notices, file, message, index)
  }
}

function keep(list: Problem[], file: string, message: string, index: number | undefined): void {
  if (list.length < 1_000)
    list.push(index === undefined ? { file, message } : { file, message, index })
}
