// Korean resident registration numbers: a date, the century in the seventh digit, a weighted check digit. Those
// given out since October 2020 have a random tail instead, which nothing checks.
import { checkedNumber, isDay, numberIn, weighted } from '../checked-number.ts'

export const krRrn = checkedNumber({
  name: 'kr-rrn',
  description: 'Korean resident numbers, with a dash, or bare next to the words that name them',
  rank: 6,
  alone: ['000000-0000000'],
  named: ['0000000000000'],
  words: ['rrn', 'resident', 'jumin', 'resident registration', 'residentnumber'],
  obeys: digits => {
    const century = digits[6]!
    if (!isDay(numberIn(digits, 2, 2), numberIn(digits, 4, 2))) return false
    const ours = century === 3 || century === 4 || century === 7 || century === 8
    if (ours && numberIn(digits, 0, 4) >= 2010) return true
    const sum = weighted(digits, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5])
    const check = (11 - (sum % 11)) % 10
    // Foreigners' numbers add two; some registers did not.
    return digits[12] === check || (century >= 5 && century <= 8 && digits[12] === (check + 2) % 10)
  },
})
