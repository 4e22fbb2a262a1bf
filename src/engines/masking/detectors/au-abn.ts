// Australian business numbers: eleven digits, the first less one, weighted, modulo 89 (Australian Business Register).
import { checkedNumber, weighted } from '../checked-number.ts'

export const auAbn = checkedNumber({
  name: 'au-abn',
  description: 'Australian business numbers next to the words that name them: modulo 89',
  rank: 3,
  named: ['00 000 000 000', '00000000000'],
  words: ['abn', 'business number', 'abn number'],
  // Eleven tens and a one less: the weights are 10, 1, 3 … 19, and the first digit counts one less.
  obeys: digits =>
    digits[0]! > 0 && (weighted(digits, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0,
})
