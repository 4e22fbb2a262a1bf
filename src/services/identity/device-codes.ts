// Handing a person's sign-in to a program on another machine (RFC 8628): the program shows a short code, the person
// types it where they are signed in, and says yes. Of this process alone; nothing outlives ten minutes.
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { parseAddress } from '#engines/addresses'
import { AuthenticationFailed, type Principal, Unavailable } from '#model'

const LIFE_MS = 10 * 60_000
/** No vowels, so no words; nothing that looks like another (RFC 8628 section 6.1). 20^8 codes. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
const MOST = 1_000
const MOST_PER_ADDRESS = 20
/** A code is guessed once in 20^8 / 1000; who tries so often is no person. */
const MOST_GUESSES_PER_MINUTE = 30
export const POLL_SECONDS = 2

export interface DeviceStart {
  readonly deviceCode: string
  /** `BCDF-GHJK`. */
  readonly userCode: string
  readonly expiresAt: number
  readonly pollSeconds: number
}

/** What the person is told of who asks. */
export interface DeviceRequest {
  readonly userCode: string
  readonly client: string
  readonly ip: string
  readonly askedAt: number
}

interface Device extends DeviceRequest {
  readonly hash: string
  readonly place: string
  readonly until: number
  /** Undefined: nobody answered; null: no. */
  answer: Principal | null | undefined
}

export class DeviceCodes {
  readonly #now: () => number
  readonly #byHash = new Map<string, Device>()
  /** Wrong codes of this minute, by who typed them: nobody can spend another's tries. */
  #guesses = new Map<string, number>()
  #minute = 0

  constructor(now: () => number) {
    this.#now = now
  }

  start({ client, ip }: { readonly client: string; readonly ip: string }): DeviceStart {
    const now = this.#now()
    for (const [hash, device] of this.#byHash) if (device.until <= now) this.#byHash.delete(hash)
    const place = placeOf(ip)
    const waiting = [...this.#byHash.values()].filter(device => device.place === place)
    if (this.#byHash.size >= MOST || waiting.length >= MOST_PER_ADDRESS) {
      throw new Unavailable('unavailable', 'Too many sign-ins wait for a person.', {
        hint: 'Finish one, or wait ten minutes.',
      })
    }
    const deviceCode = randomBytes(32).toString('base64url')
    let code = newCode()
    while (this.#waiting(code) !== undefined) code = newCode()
    const userCode = `${code.slice(0, 4)}-${code.slice(4)}`
    const until = now + LIFE_MS
    const hash = hashOf(deviceCode)
    const asked = { userCode, client, ip, askedAt: now }
    this.#byHash.set(hash, { ...asked, hash, place, until, answer: undefined })
    return { deviceCode, userCode, expiresAt: until, pollSeconds: POLL_SECONDS }
  }

  /** As the person typed it. Undefined when nothing waits under it, or when they tried too many. */
  find(typed: string, person: Principal): Device | undefined {
    const minute = Math.floor(this.#now() / 60_000)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#guesses = new Map()
    }
    const tried = this.#guesses.get(person.id) ?? 0
    if (tried >= MOST_GUESSES_PER_MINUTE) return undefined
    const found = this.#waiting(typed)
    if (found === undefined) this.#guesses.set(person.id, tried + 1)
    return found
  }

  /** The person's answer. False when nothing waits under the code. */
  answer(typed: string, person: Principal, yes: boolean): boolean {
    const found = this.find(typed, person)
    if (found === undefined) return false
    found.answer = yes ? person : null
    return true
  }

  /** Who said yes: once. Throws AuthenticationFailed. */
  take(deviceCode: string): Principal {
    const device = this.#byHash.get(hashOf(deviceCode))
    if (device === undefined || device.until <= this.#now()) {
      throw new AuthenticationFailed('token_expired', 'Nobody confirmed the code in time.', {
        hint: 'Begin again: sallyport login.',
      })
    }
    if (device.answer === undefined) {
      throw new AuthenticationFailed('approval_pending', 'The code is not confirmed yet.')
    }
    this.#byHash.delete(device.hash)
    if (device.answer === null) {
      throw new AuthenticationFailed('approval_denied', 'The person said that it was not them.')
    }
    return device.answer
  }

  #waiting(typed: string): Device | undefined {
    const code = typed.toUpperCase().replace(/[^A-Z]/g, '')
    const now = this.#now()
    for (const device of this.#byHash.values()) {
      if (device.userCode.replace('-', '') !== code) continue
      if (device.answer === undefined && device.until > now) return device
    }
    return undefined
  }
}

/** An IPv4 address, however it is written, or an IPv6 /64: whoever has one of its addresses has them all. */
function placeOf(ip: string): string {
  const { bits, value } = parseAddress(ip.replace(/%.*$/, '')) ?? {}
  if (bits === undefined || value === undefined) return ip
  if (bits === 32) return `${value}`
  return value >> 32n === 0xffffn ? `${value & 0xffffffffn}` : `/64 ${value >> 64n}`
}

function newCode(): string {
  let code = ''
  for (let i = 0; i < LENGTH; i++) code += LETTERS[randomInt(LETTERS.length)]
  return code
}

function hashOf(deviceCode: string): string {
  return createHash('sha256').update(deviceCode).digest('hex')
}
