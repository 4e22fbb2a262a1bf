// Polish PESEL: the day of birth with its century in the month, and a weighted check digit.
import { checkedNumber, isDay, numberIn, weighted } from '../checked-number.ts'

export const plPesel = checkedNumber({
  name: 'pl-pesel',
  description: 'Polish PESEL numbers next to the word that names them: date and check digit',
  rank: 6,
  named: ['00000000000'],
  words: ['pesel'],
  obeys: digits =>
    isDay(numberIn(digits, 2, 2) % 20, numberIn(digits, 4, 2)) &&
    (10 - (weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === digits[10],
})
