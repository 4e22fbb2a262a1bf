// Cedar's `ipaddr` extension: an address with a prefix. Reads exactly what Cedar's own parser reads.
import { parseV4, parseV6 } from '#engines/addresses'
import { EvaluationError } from './values.ts'

const LONGEST = 43

export class IpAddress {
  readonly bits: 32 | 128
  readonly address: bigint
  readonly prefix: number
  readonly key: string

  constructor(bits: 32 | 128, address: bigint, prefix: number) {
    this.bits = bits
    this.address = address
    this.prefix = prefix
    this.key = `i${bits}:${address}/${prefix}`
  }

  isLoopback(): boolean {
    return this.bits === 32
      ? this.address >> 24n === 127n && this.prefix >= 8
      : this.address === 1n && this.prefix === 128
  }

  isMulticast(): boolean {
    return this.bits === 32
      ? this.address >> 28n === 0xen && this.prefix >= 4
      : this.address >> 120n === 0xffn && this.prefix >= 8
  }

  /** True when each address of this range is in the other one. Families never mix. */
  isInRange(other: IpAddress): boolean {
    return this.bits === other.bits && other.first() <= this.first() && this.last() <= other.last()
  }

  private host(): bigint {
    return (1n << BigInt(this.bits - this.prefix)) - 1n
  }

  private first(): bigint {
    return this.address & ~this.host()
  }

  private last(): bigint {
    return this.address | this.host()
  }
}

/** Reads `10.0.0.0/8`, `::1`. Throws EvaluationError. No leading zeros, no IPv4 inside IPv6. */
export function parseIpAddress(text: string): IpAddress {
  const refused = () => new EvaluationError('not an IP address')
  if (text.length > LONGEST) throw refused()
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const v4 = parseV4(host)
  const address = v4 ?? parseV6(host)
  if (address === undefined) throw refused()
  const bits = v4 === undefined ? 128 : 32
  if (slash < 0) return new IpAddress(bits, address, bits)
  const prefix = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bits) throw refused()
  return new IpAddress(bits, address, Number(prefix))
}
