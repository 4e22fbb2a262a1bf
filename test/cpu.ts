// Processor time of a piece of work. What else the machine does only ever adds to it (shared caches, a sibling core, the
// compiler's own threads), so the least of some tries tells what the work itself takes.

const TRIES = 5

/** In ms. `work` is told which try it is: what is kept by its input must be given another. Goes no further below `enough`. */
export function leastCpuMs(work: (attempt: number) => void, enough = 0): number {
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < TRIES && least >= enough; attempt++) {
    const before = process.cpuUsage()
    work(attempt)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1_000)
  }
  return least
}
