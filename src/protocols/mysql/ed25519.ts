// MariaDB's ed25519 proof: a signature over the server's nonce by a key whose seed is the password, of any length
// (auth_ed25519; RFC 8032 5.1.6 otherwise). Node signs with seeds of 32 bytes only, so the curve is here. Pure. Not in
// constant time: it runs once for a login of ours, with work around it that hides more than it shows.
import { createHash } from 'node:crypto'

const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const D = mod(-121665n * inverse(121666n))

/** Extended coordinates (RFC 8032 5.1.4). */
type Point = readonly [x: bigint, y: bigint, z: bigint, t: bigint]

const BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202n
const BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960n
const BASE: Point = [BASE_X, BASE_Y, 1n, mod(BASE_X * BASE_Y)]

function mod(value: bigint, by = P): bigint {
  const rest = value % by
  return rest < 0n ? rest + by : rest
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = mod(base)
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = mod(result * square)
    square = mod(square * square)
  }
  return result
}

function inverse(value: bigint): bigint {
  return power(value, P - 2n)
}

function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = mod((y1 - x1) * (y2 - x2))
  const b = mod((y1 + x1) * (y2 + x2))
  const c = mod(2n * D * t1 * t2)
  const d = mod(2n * z1 * z2)
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)]
}

function multiply(scalar: bigint): Point {
  let result: Point = [0n, 1n, 1n, 0n]
  let doubled = BASE
  for (let bit = 0n; bit < 256n; bit++) {
    const sum = add(result, doubled)
    if (((scalar >> bit) & 1n) === 1n) result = sum
    doubled = add(doubled, doubled)
  }
  return result
}

function encode([x, y, z]: Point): Buffer {
  const scale = inverse(z)
  return littleEndian(mod(y * scale) | ((mod(x * scale) & 1n) << 255n))
}

function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export function ed25519Proof(password: Uint8Array, nonce: Uint8Array): Uint8Array {
  const expanded = sha512(password)
  const clamped = Buffer.from(expanded.subarray(0, 32))
  clamped[0] = (clamped[0] as number) & 248
  clamped[31] = ((clamped[31] as number) & 63) | 64
  const secret = number(clamped)
  const r = mod(number(sha512(expanded.subarray(32), nonce)), L)
  const head = encode(multiply(r))
  const challenge = number(sha512(head, encode(multiply(secret)), nonce))
  const s = mod(r + challenge * secret, L)
  return Buffer.concat([head, littleEndian(s)])
}
