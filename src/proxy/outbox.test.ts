import { expect, it } from 'vitest'
import type { Session } from '#gateway'
import { Unavailable } from '#model'
import { Outbox } from './outbox.ts'

/** A session whose permits wait for the loop's turn while `waits`, and whose log takes nothing while `failing`. */
function made() {
  const told: string[] = []
  const state = { waits: false, failing: false, depart: () => {} }
  const session = {
    departs(depart: () => void) {
      state.depart = depart
      return {
        get waits() {
          return state.waits
        },
        clear() {
          if (state.failing) throw new Unavailable('audit_unavailable', 'no log')
          state.waits = false
        },
        leave: () => told.push('leaves'),
      }
    },
    close: async (reason: string) => void told.push(`closed: ${reason}`),
  }
  const outbox = new Outbox(session as unknown as Session)
  const leaver = (name: string) => ({
    depart() {
      try {
        outbox.clear()
        told.push(`${name} sent`)
      } catch {
        told.push(`${name} refused`)
      }
    },
  })
  return { told, state, outbox, leaver }
}

it('sends at once what is on record, and the rest in order when the turn is over', () => {
  const { told, state, outbox, leaver } = made()
  outbox.leave(leaver('a'))
  state.waits = true
  outbox.leave(leaver('b'))
  outbox.leave(leaver('c'))
  expect(told).toEqual(['a sent', 'leaves', 'leaves'])
  state.depart()
  state.depart()
  expect(told.slice(3)).toEqual(['b sent', 'c sent'])
})

it('sends nothing of what cannot be put on record, and ends the session', () => {
  const { told, state, outbox, leaver } = made()
  state.waits = true
  state.failing = true
  outbox.leave(leaver('a'))
  state.depart()
  expect(told).toEqual(['leaves', 'closed: audit_unavailable', 'a refused'])
})

it('ends a session of which something was lost when the next request is refused for it', () => {
  const { told, state, outbox } = made()
  outbox.refused()
  state.waits = true
  state.failing = true
  outbox.refused()
  expect(told).toEqual(['closed: audit_unavailable'])
})
