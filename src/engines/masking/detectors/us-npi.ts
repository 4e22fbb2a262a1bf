// US National Provider Identifiers: ten digits, Luhn behind the prefix 80840 (45 CFR 162.406).
import { checkedNumber, obeysLuhn } from '../checked-number.ts'

const numbers = Uint8Array.of(8, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

export const usNpi = checkedNumber({
  name: 'us-npi',
  description:
    'US health care provider numbers (NPI) next to the words that name them: check digit',
  rank: 3,
  named: ['0000000000'],
  words: ['npi', 'provider', 'prescriber', 'physician', 'providernumber'],
  obeys: digits => {
    numbers.set(digits.subarray(0, 10), 5)
    return (digits[0] === 1 || digits[0] === 2) && obeysLuhn(numbers, 0, 15)
  },
})
