// The functions and methods of Cedar's extension types, by name.
import { IpAddress, parseIpAddress } from './ip-address.ts'
import {
  Datetime,
  Decimal,
  Duration,
  parseDatetime,
  parseDecimal,
  parseDuration,
} from './quantities.ts'
import { EvaluationError, type Value } from './values.ts'

export interface ExtensionFunction {
  readonly arity: number
  readonly call: (left: Value, right: Value) => Value
}

type Class<T> = abstract new (...values: never[]) => T

function want<T>(value: Value, type: Class<T>): T {
  if (value instanceof type) return value
  throw new EvaluationError('type error: argument of an extension function')
}

function reader(read: (text: string) => Value): ExtensionFunction {
  const call = (text: Value) => {
    if (typeof text !== 'string') throw new EvaluationError('type error: expected a string')
    return read(text)
  }
  return { arity: 1, call }
}

function method<T>(type: Class<T>, apply: (self: T) => Value): ExtensionFunction {
  return { arity: 1, call: self => apply(want(self, type)) }
}

function method2<T, U>(type: Class<T>, other: Class<U>, apply: (self: T, other: U) => Value) {
  const call = (self: Value, right: Value) => apply(want(self, type), want(right, other))
  return { arity: 2, call }
}

export const extensionFunctions: ReadonlyMap<string, ExtensionFunction> = new Map([
  ['decimal', reader(parseDecimal)],
  ['lessThan', method2(Decimal, Decimal, (a, b) => a.value < b.value)],
  ['lessThanOrEqual', method2(Decimal, Decimal, (a, b) => a.value <= b.value)],
  ['greaterThan', method2(Decimal, Decimal, (a, b) => a.value > b.value)],
  ['greaterThanOrEqual', method2(Decimal, Decimal, (a, b) => a.value >= b.value)],
  ['ip', reader(parseIpAddress)],
  ['isIpv4', method(IpAddress, a => a.bits === 32)],
  ['isIpv6', method(IpAddress, a => a.bits === 128)],
  ['isLoopback', method(IpAddress, a => a.isLoopback())],
  ['isMulticast', method(IpAddress, a => a.isMulticast())],
  ['isInRange', method2(IpAddress, IpAddress, (a, b) => a.isInRange(b))],
  ['datetime', reader(parseDatetime)],
  ['offset', method2(Datetime, Duration, (a, b) => a.offset(b))],
  ['durationSince', method2(Datetime, Datetime, (a, b) => a.durationSince(b))],
  ['toDate', method(Datetime, a => a.toDate())],
  ['toTime', method(Datetime, a => a.toTime())],
  ['duration', reader(parseDuration)],
  ['toMilliseconds', method(Duration, a => a.in(1n))],
  ['toSeconds', method(Duration, a => a.in(1000n))],
  ['toMinutes', method(Duration, a => a.in(60_000n))],
  ['toHours', method(Duration, a => a.in(3_600_000n))],
  ['toDays', method(Duration, a => a.in(86_400_000n))],
])
