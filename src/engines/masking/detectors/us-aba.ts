// US bank routing numbers (ABA): the Federal Reserve's districts, weights 3, 7, 1.
import { checkedNumber, numberIn, weighted } from '../checked-number.ts'

export const usAba = checkedNumber({
  name: 'us-aba',
  description: 'US bank routing numbers next to the words that name them: district and check digit',
  rank: 3,
  named: ['000000000', '0000-0000-0'],
  words: ['aba', 'routing', 'routingnumber', 'rtn', 'transit', 'aba number', 'bank code'],
  obeys: digits => {
    const district = numberIn(digits, 0, 2)
    const known =
      district <= 12 ||
      (district >= 21 && district <= 32) ||
      (district >= 61 && district <= 72) ||
      district === 80
    return (
      known &&
      numberIn(digits, 0, 9) > 0 &&
      weighted(digits, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0
    )
  },
})
