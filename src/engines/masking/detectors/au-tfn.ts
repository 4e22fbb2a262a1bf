// Australian tax file numbers: nine digits, weighted, modulo 11 (Australian Taxation Office).
import { checkedNumber, varies, weighted } from '../checked-number.ts'

export const auTfn = checkedNumber({
  name: 'au-tfn',
  description: 'Australian tax file numbers next to the words that name them: check digit',
  rank: 6,
  named: ['000 000 000', '000000000', '000-000-000'],
  words: ['tfn', 'tax file', 'tax file number', 'taxfilenumber'],
  obeys: digits => varies(digits, 9) && weighted(digits, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
})
