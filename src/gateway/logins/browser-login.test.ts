// A connection that waits for a person: by codes of a clock that stands still.
import { beforeEach, describe, expect, it } from 'vitest'
import { AuthenticationFailed, type Principal } from '#model'
import { within } from '../../../test/servers/programs.ts'
import { origin, principal } from '../gateway.testing.ts'
import { BrowserLogin } from './browser-login.ts'

const ana = principal('ana', [])
type Answer = Principal | AuthenticationFailed | undefined

let answered: Map<string, Answer>
let taken: string[]
let asked: { client: string; ip: string }[]
/** What was put on record: who, or why not. */
let onRecord: string[]

function login(page: string | undefined = 'https://gw/auth/device'): BrowserLogin {
  const people = {
    startDevice(of: { client: string; ip: string }) {
      asked.push(of)
      const n = asked.length
      return { deviceCode: `device-${n}`, userCode: `BCDF-000${n}`, expiresAt: 9, pollSeconds: 2 }
    },
    confirmed(code: string): Principal {
      const answer = answered.get(code)
      if (answer === undefined) throw new AuthenticationFailed('approval_pending', 'not yet')
      answered.delete(code)
      taken.push(code)
      if (answer instanceof AuthenticationFailed) throw answer
      return answer
    },
  }
  return new BrowserLogin(
    people,
    () => page,
    async prove => {
      try {
        const person = await prove()
        onRecord.push(person.id)
        return person
      } catch (error) {
        onRecord.push((error as AuthenticationFailed).code)
        throw error
      }
    },
  )
}

beforeEach(() => {
  answered = new Map()
  taken = []
  asked = []
  onRecord = []
})

const never = new AbortController().signal

describe('a person who is asked in a browser', () => {
  it('is not, where nobody signs in with one', () => {
    expect(login('').ask('ssh', origin)?.url).toBe('?code=BCDF-0001')
    const none = new BrowserLogin(
      {} as ConstructorParameters<typeof BrowserLogin>[0],
      () => undefined,
      prove => prove(),
    )
    expect(none.ask('ssh', origin)).toBeUndefined()
  })

  it('is shown a code of this one connection, and whoever asks and from where', () => {
    const by = login()
    const [first, second] = [by.ask('ssh to web-1', origin), by.ask('ssh to web-1', origin)]
    expect(first).toMatchObject({
      url: 'https://gw/auth/device?code=BCDF-0001',
      code: 'BCDF-0001',
      expiresAt: 9,
    })
    expect(second?.code).toBe('BCDF-0002')
    expect(asked[0]).toEqual({ client: 'ssh to web-1', ip: origin.ip })
  })

  it('is who comes in, by their yes to that very code alone', async () => {
    const by = login()
    const [first, second] = [by.ask('ssh', origin), by.ask('ssh', origin)]
    answered.set('device-2', ana)
    expect(await second?.answer(never)).toBe(ana)
    const left = new AbortController()
    const other = first?.answer(left.signal)
    left.abort()
    await expect(other).rejects.toMatchObject({ code: 'token_expired' })
    expect(onRecord).toEqual(['ana', 'token_expired'])
  })

  it('keeps it out with a no, and when nobody answers in time', async () => {
    const by = login()
    for (const code of ['approval_denied', 'token_expired'] as const) {
      const one = by.ask('ssh', origin)
      answered.set(`device-${asked.length}`, new AuthenticationFailed(code, 'no'))
      await expect(one?.answer(never)).rejects.toMatchObject({ code })
    }
    expect(onRecord).toEqual(['approval_denied', 'token_expired'])
  })

  it('lets nobody in when the client has left, and what was said is spent', async () => {
    const one = login().ask('ssh', origin)
    const left = new AbortController()
    left.abort()
    answered.set('device-1', ana)
    await expect(one?.answer(left.signal)).rejects.toMatchObject({ code: 'token_expired' })
    expect(taken).toEqual(['device-1'])
    expect(onRecord).toEqual(['token_expired'])
  })

  it('is waited for no longer than the client waits', async () => {
    const one = login().ask('ssh', origin)
    const left = new AbortController()
    const asked = Date.now()
    const answer = one?.answer(left.signal)
    setTimeout(() => left.abort(), 20)
    await expect(answer).rejects.toMatchObject({ code: 'token_expired' })
    within(900, Date.now() - asked)
  })
})
