// What the detectors take for a value and what they do not, one by one. How good they are on many is measured in
// test/detectors.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { detectors, findIn } from './index.ts'

const names = [...detectors.keys()]
const seen = (text: string) => {
  const bytes = Buffer.from(text)
  return findIn(names, bytes).map(({ dataClass, start, end }) => ({
    dataClass,
    text: bytes.toString('utf8', start, end),
  }))
}

describe('bytes that are no text', () => {
  const addresses = (bytes: Buffer) =>
    findIn(['email'], bytes).map(({ start, end }) => bytes.toString('latin1', start, end))

  it('are no letters of a domain: only whole characters of UTF-8 are', () => {
    for (const label of [
      '\xe4\xf6',
      '\x80\xc3',
      '\xc3',
      '\xe2\x82',
      '\xc0\xaf',
      '\xf5\x80\x80\x80',
    ])
      expect(addresses(Buffer.from(`ana@${label}.com `, 'latin1'))).toEqual([])
    expect(addresses(Buffer.from('ana@bücher.com €'))).toHaveLength(1)
    expect(addresses(Buffer.from('ana@例え.テスト'))).toHaveLength(1)
  })

  it('of a text in an older set of characters hide no address beside them', () => {
    const text = '\xabren\xe9@example.fr\xe9, ana@example.com\xe0'
    expect(addresses(Buffer.from(text, 'latin1'))).toEqual([
      '\xabren\xe9@example.fr',
      'ana@example.com',
    ])
  })

  it('hold hardly ever what looks like an address', () => {
    const chance = createHash('shake256', { outputLength: 4_000_000 }).update('chance').digest()
    expect(addresses(chance).length).toBeLessThan(8)
  })
})

describe('a published number', () => {
  it.each([
    ['us-itin', '900-70-0000'],
    ['us-aba', 'routing 021000021'],
    ['us-aba', 'ABA: 0110-0001-5'],
    ['us-npi', 'NPI 1234567893'],
    ['uk-nhs', 'NHS number 943 476 5919'],
    ['uk-nino', 'AB 12 34 56 C'],
    ['uk-nino', 'jg103759a'],
    ['de-steuer-id', 'Steuer-IdNr. 86 095 742 719'],
    ['de-steuer-id', '{"steuerId":"65929970489"}'],
    ['fr-nir', '1 84 12 76 451 089 46'],
    ['fr-nir', 'NIR 269054958815780'],
    ['es-nif', '12345678Z'],
    ['es-nif', '12.345.678-Z'],
    ['es-nif', 'X1234567L'],
    ['es-nif', 'X-1234567-L'],
    ['it-cf', 'RSSMRA85T10A562S'],
    ['it-cf', 'MRTMTT25D09F205Z'],
    ['pl-pesel', 'PESEL: 44051401359'],
    ['nl-bsn', 'BSN 111222333'],
    ['nl-bsn', 'burgerservicenummer 1234.56.782'],
    ['se-personnummer', '811228-9874'],
    ['se-personnummer', '19811228-9874'],
    ['se-personnummer', '701063-2391'],
    ['se-personnummer', 'personnummer 8112289874'],
    ['fi-hetu', '131052-308T'],
    ['fi-hetu', '010594Y9032'],
    ['in-aadhaar', '4991 1866 5246'],
    ['in-aadhaar', 'Aadhaar 499118665246'],
    ['in-pan', 'AAAPL1234C'],
    ['br-cpf', '111.444.777-35'],
    ['br-cpf', 'CPF 52998224725'],
    ['br-cnpj', '11.222.333/0001-81'],
    ['br-cnpj', '12.ABC.345/01DE-35'],
    ['br-cnpj', 'CNPJ: 11222333000181'],
    ['au-tfn', 'TFN 123 456 782'],
    ['au-abn', 'ABN 51 824 753 556'],
    ['au-abn', 'ABN: 83914571673'],
    ['kr-rrn', '971013-9019902'],
    ['kr-rrn', '201031-3123456'],
    ['sg-fin', 'S1234567D'],
    ['sg-fin', 'G1234567X'],
    ['sg-fin', 'M1234567K'],
    ['ip', '192.0.2.1'],
    ['ip', '10.0.0.8/8'],
    ['ip', '[2001:db8::1]:443'],
    ['ip', '2001:0db8:85a3:0000:0000:8a2e:0370:7334'],
    ['ip', '::ffff:192.0.2.128'],
    ['ip', '192.0.2.7:5432'],
    ['mac', '00:1B:44:11:3A:B7'],
    ['mac', '001b.4411.3ab7'],
    ['url-credentials', 'postgres://app:s3cret@db:5432/shop'],
    ['secret', '"password": "Tr0ub4dor&3x"'],
    ['secret', 'Authorization: Bearer 3f8a9c0d7e6b5a41'],
    ['secret', 'export API_KEY=9aK3mQ7vXb2'],
  ])('is a %s: %s', (name, text) => {
    expect(seen(text).map(each => each.dataClass)).toContain(name)
  })
})

describe('what looks like one', () => {
  it.each([
    ['without its word', '021000021'],
    ['without its word', '44051401359'],
    ['without its word', '86 095 742 719'],
    ['with another check letter', '12345678A'],
    ['with another check letter', 'S1234567E'],
    ['with another check character', '131052-308U'],
    ['with a month that is none', '811328-9874'],
    ['with one digit more', '1111.444.777-35'],
    ['as a part of a UUID', '7df0ea4e-5392-0844-2452-dcf84a22bb90'],
    ['as a part of something longer', 'x12345678Z'],
    ['as an object identifier', '1.3.6.1.4.1.311'],
    ['as a version', '10.2.300.4000'],
    ['as a cast', 'select 1::int'],
    ['as a name in C++', 'std::map'],
    ['as a time', '12:34:56'],
    ['as seven pairs', '00:1B:44:11:3A:B7:00'],
    ['as a URL without a password', 'https://bob@example/x'],
    ['as a port', 'http://host:8080/a@b'],
    ['as a word behind “password”', 'password: required'],
    ['as an empty secret', 'token=""'],
  ])('%s is not one: %s', (_, text) => {
    expect(seen(text)).toEqual([])
  })
})

describe('next to a value', () => {
  it.each([
    ['a card with a wrong check digit', '4111 1111 1111 1112'],
    ['a card of no issuer', '9111 1111 1111 1111'],
    ['thirteen digits that nothing names', '4222222222222'],
    ['an SSN of an area that was never issued', '666-12-3456'],
    ['an SSN of group 00', '123-00-4567'],
    ['the tail of a longer number', '2270-66-1551'],
    ['an SSN with more behind it', '123-45-6789-1'],
    ['nine digits that nothing names', '123456789'],
    ['an IBAN with a wrong check', 'GB28NWBK60161331926819'],
    ['an IBAN of a wrong length', 'GB29NWBK6016133192681'],
    ['an address without a dot', 'bob@localhost'],
    ['a mention', 'ask @bob.smith about it'],
    ['three parts that are no token', 'eyJmb28iOjF9.abc.def'],
    ['a public key', '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----'],
    ['ten bare digits', '2025550123'],
    ['a calling code that does not exist', '+999 123 456 789'],
  ])('does not take %s for one', (_, text) => {
    expect(seen(text)).toEqual([])
  })

  it.each([
    ['us-ssn', 'my SSN is 123456789'],
    ['us-ssn', '{"socialSecurityNumber":"123456789"}'],
    ['card', 'card 4222222222222'],
    ['phone', '{"homePhone":"2025550123"}'],
    ['phone', '4673395 office'],
    ['cloud-key', '"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"'],
    ['cloud-key', 'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['cloud-key', `DefaultEndpointsProtocol=https;AccountKey=${'Ab1/'.repeat(21)}ab==;`],
    ['cloud-key', `token sk-ant-api03-${'aB3_'.repeat(12)}`],
    ['cloud-key', `glpat-${'aB3-'.repeat(6)}`],
    ['cloud-key', `abc8Q~${'x.Y~'.repeat(8)}`],
    ['private-key', `AGE-SECRET-KEY-1${'Q5'.repeat(29)}`],
    [
      'private-key',
      '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----',
    ],
  ])('takes the word of the text for a %s: %s', (name, text) => {
    expect(seen(text).map(each => each.dataClass)).toContain(name)
  })
})
