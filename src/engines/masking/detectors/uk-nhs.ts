// Numbers of the British National Health Service: ten digits, weights 10 to 2, modulo 11 (NHS Data Dictionary).
import { checkedNumber, varies, weighted } from '../checked-number.ts'

export const ukNhs = checkedNumber({
  name: 'uk-nhs',
  description: 'British NHS numbers next to the words that name them: check digit',
  rank: 5,
  named: ['000 000 0000', '000-000-0000', '0000000000'],
  words: ['nhs', 'nhsnumber', 'patient', 'chi'],
  obeys: digits => {
    const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)
    return varies(digits, 10) && check !== 10 && check % 11 === digits[9]
  },
})
