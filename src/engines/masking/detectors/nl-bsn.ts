// Dutch citizen service numbers: nine digits that pass the eleven test with -1 as the last weight.
import { checkedNumber, varies, weighted } from '../checked-number.ts'

export const nlBsn = checkedNumber({
  name: 'nl-bsn',
  description: 'Dutch citizen service numbers (BSN) next to the words that name them: eleven test',
  rank: 6,
  named: ['000000000', '0000.00.000', '000.000.000', '000 000 000'],
  words: ['bsn', 'burgerservicenummer', 'sofi', 'sofinummer', 'bsn nummer'],
  obeys: digits => varies(digits, 9) && weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0,
})
