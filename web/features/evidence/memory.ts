// The head that this browser verified last, kept here alone: what lets it notice that a log went back or was forked.
import type { Seen } from './verifier/index.ts'

const KEY = 'sallyport-seen-head'

export function seenHead(): Seen | undefined {
  try {
    const { vkey, note, at } = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Seen>
    return typeof vkey === 'string' && typeof note === 'string' && typeof at === 'number'
      ? { vkey, note, at }
      : undefined
  } catch {
    // Not ours, or no storage here: this browser knows nothing, and the page says so.
    return undefined
  }
}

export function rememberHead(vkey: string, note: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ vkey, note, at: Date.now() } satisfies Seen))
  } catch {
    // No storage here: the next look has nothing to compare with, and says so.
  }
}

/** After a person looked into why it does not fit any more. */
export function forgetHead(): void {
  localStorage.removeItem(KEY)
}
