// When a message is tried again: soon at first, for whoever waits is waiting now, then ever more seldom over days.

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const PAUSES = [
  2 * SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
]
/** After this a message is no news to anybody. */
const OLDEST_MS = 3 * 24 * HOUR
/** Up to a fifth more, so that what failed together does not come back together. */
const JITTER = 0.2

/**
 * When the next attempt is due after `attempts` that failed; undefined when there is none. `die` gives 0 to 1.
 */
export function nextAttempt(
  attempts: number,
  createdAt: number,
  now: number,
  die: () => number,
  retryAfterMs = 0,
): number | undefined {
  const pause = PAUSES[Math.min(attempts, PAUSES.length) - 1] ?? PAUSES[0]!
  const next = now + Math.max(retryAfterMs, Math.round(pause * (1 + JITTER * die())))
  return next - createdAt > OLDEST_MS ? undefined : next
}
