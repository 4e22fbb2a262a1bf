// Brazilian CPF: nine digits and two that check them, modulo 11 (Receita Federal).
import { checkedNumber, varies, weighted } from '../checked-number.ts'

const FIRST = [10, 9, 8, 7, 6, 5, 4, 3, 2]
const SECOND = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]

export const brCpf = checkedNumber({
  name: 'br-cpf',
  description: 'Brazilian CPF numbers, in groups, or bare next to the word that names them',
  rank: 6,
  alone: ['000.000.000-00'],
  named: ['00000000000', '000000000-00', '000 000 000 00'],
  words: ['cpf', 'cadastro'],
  obeys: digits =>
    varies(digits, 11) &&
    ((weighted(digits, FIRST) * 10) % 11) % 10 === digits[9] &&
    ((weighted(digits, SECOND) * 10) % 11) % 10 === digits[10],
})
