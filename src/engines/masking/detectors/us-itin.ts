// US Individual Taxpayer Identification numbers: 9NN-GG-NNNN with a group from 50 on (IRS). They have no check digit.
import { checkedNumber, numberIn } from '../checked-number.ts'

export const usItin = checkedNumber({
  name: 'us-itin',
  description: 'US taxpayer numbers (ITIN), in groups, or bare next to the words that name them',
  rank: 6,
  alone: ['000-00-0000'],
  named: ['000 00 0000', '000000000'],
  words: ['itin', 'taxpayer', 'tin', 'tax id'],
  obeys: digits => {
    const group = numberIn(digits, 3, 2)
    return (
      digits[0] === 9 &&
      group >= 50 &&
      group <= 99 &&
      group !== 89 &&
      group !== 93 &&
      (group < 66 || group > 69)
    )
  },
  visible: 'ssn',
})
