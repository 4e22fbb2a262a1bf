// IP addresses as numbers, and ranges of them. Reads what inet_pton(3) reads, and nothing more: no leading zeros, no
// short forms, no zones.

export interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

export interface Range extends Address {
  readonly prefix: number
}

/** Undefined for what is no address. IPv6 may end as IPv4 does (RFC 4291 section 2.2). */
export function parseAddress(text: string): Address | undefined {
  if (text.length > 45) return undefined
  const colon = text.lastIndexOf(':')
  if (colon < 0) return sized(32, parseV4(text))
  if (!text.includes('.')) return sized(128, parseV6(text))
  const tail = parseV4(text.slice(colon + 1))
  if (tail === undefined) return undefined
  const groups = `${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
  return sized(128, parseV6(text.slice(0, colon + 1) + groups))
}

/** `10.0.0.0/8`, `fd00::/8`. Undefined for what is none. */
export function parseRange(text: string): Range | undefined {
  const slash = text.indexOf('/')
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash))
  const prefix = text.slice(slash + 1)
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return undefined
  return Number(prefix) > address.bits ? undefined : { ...address, prefix: Number(prefix) }
}

/** Families never mix. */
export function holds(range: Range, { bits, value }: Address): boolean {
  const free = BigInt(range.bits - range.prefix)
  return range.bits === bits && range.value >> free === value >> free
}

/** Four numbers with dots. */
export function parseV4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let address = 0n
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    address = (address << 8n) | BigInt(part)
  }
  return address
}

/** Eight groups, `::` for one row of zeros at least; no IPv4 in it. */
export function parseV6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map(half => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  let address = 0n
  for (const group of [...head, ...Array<string>(missing).fill('0'), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
    address = (address << 16n) | BigInt(`0x${group}`)
  }
  return address
}

function sized(bits: 32 | 128, value: bigint | undefined): Address | undefined {
  return value === undefined ? undefined : { bits, value }
}
