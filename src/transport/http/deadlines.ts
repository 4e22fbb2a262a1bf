// Connections that must do something by some time. One timer for all of them: a timer for each request would cost more than
// reading it. A quarter of a second late at most.

export interface Watched {
  /** Of `performance.now()`; Infinity: nothing is awaited. */
  readonly deadline: number
  overdue(): void
}

const EVERY_MS = 250
const watched = new Set<Watched>()
let timer: NodeJS.Timeout | undefined

export function watch(one: Watched): void {
  watched.add(one)
  timer ??= setInterval(look, EVERY_MS).unref()
}

export function unwatch(one: Watched): void {
  watched.delete(one)
  if (watched.size > 0) return
  clearInterval(timer)
  timer = undefined
}

function look(): void {
  const now = performance.now()
  for (const one of watched) if (one.deadline <= now) one.overdue()
}
