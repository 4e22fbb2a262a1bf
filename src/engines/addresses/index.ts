// IP addresses, and what lies at them: one list for whoever must not be led astray. Pure.

export { holds, parseAddress, parseRange, parseV4, parseV6, type Range } from './address.ts'
export { type AddressKind, destination, kindOf } from './kinds.ts'
