// Brazilian CNPJ: twelve characters, digits or (from July 2026 on) capitals, and two digits that check them, modulo
// 11 with a character's code less 48 (Receita Federal, IN 2.229/2024).
import { ALNUM, bytesOfClass, classAt, DIGIT, outsideWord, UPPER } from '../byte-classes.ts'
import { contextWords, wordNear } from '../context-words.ts'
import type { Detector, Span } from '../detector.ts'

const FORM = '00.000.000/0000-00'
const WORDS = contextWords(['cnpj'])
const values = new Uint8Array(14)

/** `at` is the first character. */
function matchCnpj(src: Uint8Array, start: number, end: number, at: number, span: Span): boolean {
  const bare = src[at + 2] !== 0x2e
  let i = at
  let count = 0
  for (let k = 0; k < FORM.length; k++) {
    const wanted = FORM.charCodeAt(k)
    if (wanted !== 0x30) {
      if (bare) continue
      if (i >= end || src[i++] !== wanted) return false
      continue
    }
    const bits = classAt(src, start, end, i)
    if ((bits & (count < 12 ? DIGIT | UPPER : DIGIT)) === 0) return false
    values[count++] = src[i++]! - 48
  }
  if ((classAt(src, start, end, i) & ALNUM) !== 0) return false
  if (
    checkOf(12) !== values[12] ||
    checkOf(13) !== values[13] ||
    values.every(each => each === values[0])
  )
    return false
  if (bare && !wordNear(src, start, end, at, i, WORDS)) return false
  span.start = at
  span.end = i
  return true
}

/** Weights from 2 to 9, again and again, from the right. */
function checkOf(count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += values[count - 1 - i]! * (2 + (i % 8))
  const rest = sum % 11
  return rest < 2 ? 0 : 11 - rest
}

export const brCnpj: Detector = {
  name: 'br-cnpj',
  description: 'Brazilian CNPJ numbers, in groups, or bare next to the word that names them',
  rank: 3,
  wake: {
    on: 'pair',
    pairs: [{ before: outsideWord, at: bytesOfClass(DIGIT | UPPER) }],
    match: matchCnpj,
  },
  visible: 'tail',
  normal: 'alphanumeric',
}
