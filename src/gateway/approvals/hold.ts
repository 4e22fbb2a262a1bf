// The wait for people: until each request is approved, one is not, time is over, or whoever waits leaves.
// Decides nothing and changes nothing.
import type { AccessRequest, ApprovalNeed } from '#model'
import type { Requests } from '#services/access'
import type { Waiting } from '../protocol/index.ts'

const REMINDER_MS = 10_000
/** A timer holds 24.8 days at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export type AskedOf = Pick<AccessRequest, 'id'>

/**
 * Resolves with the requests as they are when the wait ends, whatever ended it. Rejects only when they cannot be
 * read. Leaves no timer and no listener behind.
 */
export function waitForPeople(
  requests: Pick<Requests, 'get' | 'onChange'>,
  asked: readonly AccessRequest[],
  wait: {
    readonly waitMs: number
    readonly waiting: Waiting
    readonly signal: AbortSignal
    readonly now: () => number
  },
): Promise<readonly AccessRequest[]> {
  const current = new Map(asked.map(request => [request.id, request]))
  const read = async (): Promise<readonly AccessRequest[]> => {
    for (const id of current.keys()) current.set(id, await requests.get(id))
    return [...current.values()]
  }
  const isOver = (): boolean => {
    const states = [...current.values()].map(({ state }) => state)
    return states.every(state => state === 'approved') || !states.every(isOpen)
  }
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timeout)
      clearInterval(reminder)
      unsubscribe()
      wait.waiting.signal.removeEventListener('abort', end)
      wait.signal.removeEventListener('abort', end)
      read().then(resolve, reject)
    }
    const say = (): void => {
      const open = [...current.values()].filter(({ state }) => state === 'pending')
      try {
        for (const request of open) wait.waiting.notify(reminderOf(request))
      } catch {
        // Safe: a client that cannot be told has left, and its own signal says so.
      }
    }
    const firstEnd = Math.min(...asked.map(({ expiresAt }) => expiresAt)) - wait.now()
    const timeout = setTimeout(end, Math.min(wait.waitMs, Math.max(firstEnd, 0), LONGEST_TIMER_MS))
    const reminder = setInterval(say, REMINDER_MS)
    const unsubscribe = requests.onChange(changed => {
      if (!current.has(changed.id)) return
      current.set(changed.id, changed)
      if (isOver()) end()
    })
    if (wait.waiting.signal.aborted || wait.signal.aborted) return end()
    wait.waiting.signal.addEventListener('abort', end)
    wait.signal.addEventListener('abort', end)
    say()
    // One may have been decided between finding it and listening.
    read().then(
      () => isOver() && end(),
      () => end(),
    )
  })
}

const isOpen = (state: AccessRequest['state']): boolean =>
  state === 'pending' || state === 'approved'

function peopleOf({ groups, count }: ApprovalNeed): string {
  return `${count} of ${groups.join(' or ') || 'those who may approve'}`
}

function reminderOf(request: AccessRequest): string {
  const approvers =
    request.needs?.map(peopleOf).join(' and ') ??
    (request.approvers.length > 0 ? `group ${request.approvers.join(' or ')}` : 'an approver')
  const message = request.message.replace(/[.!?]?$/, '.')
  return `${message} Waiting for ${approvers}: request ${request.id}.`
}
