// German tax identification numbers (§ 139b AO): eleven digits, of the first ten one twice or three times and no
// other more than once, ISO 7064 MOD 11,10.
import { checkedNumber } from '../checked-number.ts'

const times = new Uint8Array(10)

export const deSteuerId = checkedNumber({
  name: 'de-steuer-id',
  description: 'German tax numbers (Steuer-IdNr.) next to the words that name them: check digit',
  rank: 5,
  named: ['00 000 000 000', '00000000000'],
  words: [
    'steuer',
    'steuerid',
    'steueridnr',
    'steuernummer',
    'steueridentifikationsnummer',
    'identifikationsnummer',
    'idnr',
    'tin',
    'tax id',
    'tax number',
  ],
  obeys: digits => {
    times.fill(0)
    let product = 10
    let repeated = 0
    for (let i = 0; i < 10; i++) {
      const digit = digits[i]!
      if (++times[digit]! === 2) repeated++
      if (times[digit]! > 3) return false
      product = (((digit + product) % 10 || 10) * 2) % 11
    }
    return digits[0] !== 0 && repeated === 1 && (11 - product) % 10 === digits[10]
  },
})
