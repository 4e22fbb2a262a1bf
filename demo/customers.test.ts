import { expect, test } from 'vitest'
import { shopSql } from './customers.ts'

const sql = shopSql(200)

test('the same people come each time', () => {
  expect(shopSql(200)).toBe(sql)
  expect(sql.match(/^insert into/gm)?.length).toBe(3)
})

test('card numbers have a right check digit, so that a detector takes them for real', () => {
  const cards = sql.match(/\d{4} \d{4} \d{4} \d{4}/g) ?? []
  expect(cards).toHaveLength(200)
  for (const card of cards) {
    const digits = [...card.replaceAll(' ', '')].reverse().map(Number)
    const sum = digits.reduce((total, digit, at) => {
      const value = at % 2 === 1 ? digit * 2 : digit
      return total + (value > 9 ? value - 9 : value)
    }, 0)
    expect(sum % 10, card).toBe(0)
  }
})

test('nothing belongs to anybody: reserved domains, fictional numbers, SSNs never issued', () => {
  for (const [, domain] of sql.matchAll(/@([a-z.]+)/g))
    expect(domain).toMatch(/^example\.(com|org|net)$/)
  for (const [phone] of sql.matchAll(/\+1-\d{3}-\d{3}-\d{4}/g))
    expect(phone).toMatch(/-555-01\d\d$/)
  const numbers = sql.match(/'\d{3}-\d{2}-\d{4}'/g) ?? []
  expect(numbers).toHaveLength(200)
  for (const number of numbers) expect(number).toMatch(/^'9/)
})
