// Indian Aadhaar numbers: twelve digits, the first of them 2 to 9, Verhoeff's check (UIDAI).
import { checkedNumber, varies } from '../checked-number.ts'
import { verhoeff } from '../checksums.ts'

const text = new Uint8Array(12)

export const inAadhaar = checkedNumber({
  name: 'in-aadhaar',
  description:
    'Indian Aadhaar numbers, by fours, or bare next to the words that name them: Verhoeff',
  rank: 6,
  alone: ['0000 0000 0000', '0000-0000-0000'],
  named: ['000000000000'],
  words: ['aadhaar', 'aadhar', 'adhaar', 'uidai', 'uid', 'aadhaarnumber'],
  obeys: digits => {
    for (let i = 0; i < 12; i++) text[i] = 0x30 + digits[i]!
    return digits[0]! >= 2 && varies(digits, 12) && verhoeff(text, 0, 12)
  },
})
