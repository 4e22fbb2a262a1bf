// Swedish personal and coordination numbers: a date (its day 60 higher for the latter), and Luhn over the ten digits.
import { checkedNumber, isDay, numberIn, obeysLuhn } from '../checked-number.ts'

export const sePersonnummer = checkedNumber({
  name: 'se-personnummer',
  description: 'Swedish personal numbers, with a dash, or bare next to the words that name them',
  rank: 6,
  alone: ['000000-0000', '00000000-0000'],
  named: ['0000000000', '000000000000', '000000+0000'],
  words: ['personnummer', 'personnr', 'pnr', 'samordningsnummer', 'personal number', 'ssn'],
  obeys: (digits, count) => {
    const from = count - 10
    const century = numberIn(digits, 0, 2)
    if (from === 2 && (century < 18 || century > 20)) return false
    const day = numberIn(digits, from + 4, 2)
    return (
      isDay(numberIn(digits, from + 2, 2), day > 60 ? day - 60 : day) &&
      obeysLuhn(digits, from, count)
    )
  },
})
