// Tells, of a run of the tests, which files failed only because a wait ended too soon: on a machine with other work that
// says little, and such a file may be run once more (bin/check.mjs). A test that saw something wrong is never excused.

/** What vitest reports of a file, a describe or a test, as far as it matters here. */
export interface Reported {
  readonly moduleId?: string
  readonly children?: Iterable<Reported>
  /** Of files and describes: what their hooks threw. */
  errors?(): readonly Thrown[]
  /** Of tests. */
  result?(): { readonly state: string; readonly errors?: readonly Thrown[] | undefined }
}

export interface Thrown {
  readonly message?: string
  readonly cause?: unknown
}

/** Ours (`until`, `within`), vitest's own bounds, and Playwright's. */
const ENDED = /in vain|[Tt]imed out|Timeout \d+ms exceeded|not within \d+ ms/

/** The failed files whose first failure is a wait; none when any other file failed for another reason. */
export function waitedInVain(files: Iterable<Reported>): string[] {
  const again: string[] = []
  for (const file of files) {
    const first = firstError(file)
    if (first === undefined) continue
    if (!isWait(first) || file.moduleId === undefined) return []
    again.push(file.moduleId)
  }
  return again
}

/** What follows the first error in a file may be its consequence: the tests of a file share a stage. */
function firstError(of: Reported): Thrown | undefined {
  const own = of.result?.().errors?.[0] ?? of.errors?.()[0]
  if (own !== undefined) return own
  for (const child of of.children ?? []) {
    const found = firstError(child)
    if (found !== undefined) return found
  }
  return undefined
}

function isWait({ message, cause }: Thrown): boolean {
  // `expect.poll` says what it saw last, and that it waited, here.
  const why = cause instanceof Object && 'message' in cause ? String(cause.message) : ''
  return ENDED.test(message ?? '') || why === 'Matcher did not succeed in time.'
}
