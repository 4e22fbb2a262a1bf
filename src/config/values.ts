// The small values that settings are written in: durations, sizes, addresses, references to secrets.
import { isIP } from 'node:net'
import { z } from 'zod'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const UNIT_BYTES = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const

/** `120s`, `15m`, `0s` → ms. */
export const duration = z.string().transform((text, context) => {
  const found = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  const unit = found?.[2] as keyof typeof UNIT_MS | undefined
  if (found === null || unit === undefined) {
    context.addIssue(`"${text}" is not a duration: write 500ms, 120s, 15m, 8h or 2d`)
    return z.NEVER
  }
  return Number(found[1]) * UNIT_MS[unit]
})

/** `64MiB`, or a number of bytes → bytes. */
export const byteSize = z.union([z.int().min(0), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value
  const found = /^(\d{1,9})(B|KiB|MiB|GiB)$/.exec(value)
  const unit = found?.[2] as keyof typeof UNIT_BYTES | undefined
  if (found === null || unit === undefined) {
    context.addIssue(`"${value}" is not a size: write 4096, 512KiB, 64MiB or 1GiB`)
    return z.NEVER
  }
  return Number(found[1]) * UNIT_BYTES[unit]
})

export interface Address {
  readonly host: string
  /** undefined: the default one of what listens. */
  readonly port: number | undefined
}

/** `127.0.0.1:8443`, `[::1]:8443`, `gateway.internal`. */
export const address = z.string().transform((text, context): Address => {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text)
  const host = found?.[1] ?? found?.[2]
  const port = found?.[3] === undefined ? undefined : Number(found[3])
  if (host === undefined || (found?.[1] !== undefined && isIP(host) !== 6)) {
    context.addIssue(`"${text}" is not an address: write HOST:PORT, such as 127.0.0.1:8443`)
    return z.NEVER
  }
  if (port !== undefined && port > 65_535) {
    context.addIssue(`${port} is not a port`)
    return z.NEVER
  }
  return { host, port }
})

/** True for hosts that only programs on this machine reach. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$|\.$/g, '').toLowerCase()
  if (name === 'localhost' || name === '::1') return true
  return isIP(name) === 4 && name.startsWith('127.')
}

/** A secret by reference. The refusal never repeats the text: it may be the secret. */
export const secretReference = z.string().transform((text, context) => {
  if (/^env:[A-Za-z_][A-Za-z0-9_]*$/.test(text) || /^file:[^\0]+$/.test(text)) return text
  if (/^(vault|stored):/.test(text)) {
    const kind = text.slice(0, text.indexOf(':'))
    context.addIssue(`${kind}: references are not in this version: use env:NAME or file:PATH`)
    return z.NEVER
  }
  context.addIssue('a secret is given by reference (env:NAME or file:PATH), never as its value')
  return z.NEVER
})
