import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ClientCertificateSettings } from '#config'
import { until } from '../../../test/servers/programs.ts'
import { ClientCertificates } from './client-certificates.ts'

let folder: string
const made: ClientCertificates[] = []
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
const DAY = 86_400_000
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout']

/** A certificate by the authority `ca`; `extensions` as openssl writes them. */
function issue(
  name: string,
  extensions: string,
  { ca = 'ca', serial = '5', more = [] as string[] } = {},
) {
  writeFileSync(join(folder, `${name}.ext`), extensions)
  openssl('req', ...NEW_KEY, `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
  const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`]
  const by = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-set_serial', serial]
  openssl('x509', '-req', ...files, ...by, '-days', '2', ...more)
}
function authority(name: string, constraints = '') {
  writeFileSync(
    join(folder, `${name}.cnf`),
    `[req]\ndistinguished_name=d\nx509_extensions=x\n[d]\n[x]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n${constraints}`,
  )
  const files = ['-out', `${name}.pem`, '-config', `${name}.cnf`]
  openssl('req', '-x509', ...NEW_KEY, `${name}.key`, ...files, '-subj', `/CN=${name}`, '-days', '3')
}
function list(revoked: string[], name = 'crl', ca = 'ca', days = '2', extensions = '') {
  writeFileSync(
    join(folder, 'index.txt'),
    revoked.map(serial => `R\t300101000000Z\t250101000000Z\t${serial}\tunknown\t/CN=x\n`).join(''),
  )
  writeFileSync(
    join(folder, 'ca.ini'),
    `[ca]\ndefault_ca=d\n[d]\ndatabase=${folder}/index.txt\ndefault_md=sha256\ndefault_crl_days=${days}\n${extensions === '' ? '' : 'crl_extensions=x\n'}[x]\n${extensions}`,
  )
  const by = ['-keyfile', `${ca}.key`, '-cert', `${ca}.pem`]
  openssl('ca', '-gencrl', '-config', 'ca.ini', ...by, '-out', `${name}.pem`)
}
const der = (name: string) => new X509Certificate(readFileSync(join(folder, `${name}.pem`))).raw

const CLIENT = 'extendedKeyUsage=clientAuth\n'
const BOT = 'subjectAltName=URI:spiffe://example.org/bot\n'

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-clients-'))
  authority('ca')
  authority('other')
  authority('narrow', 'nameConstraints=critical,permitted;DNS:example.org\n')
  issue('bot', CLIENT + BOT)
  issue('stranger', CLIENT + BOT, { ca: 'other' })
  issue('elsewhere', `${CLIENT}subjectAltName=URI:spiffe://example.com/bot\n`)
  issue('two', `${CLIENT}subjectAltName=URI:spiffe://example.org/a,URI:spiffe://example.org/b\n`)
  issue('nameless', CLIENT)
  issue('server', `extendedKeyUsage=serverAuth\n${BOT}`)
  issue('agreeing', `keyUsage=keyAgreement\n${BOT}`)
  issue('authority-itself', `basicConstraints=critical,CA:true\n${BOT}`)
  issue('strange', `${CLIENT}${BOT}1.2.3.4=critical,DER:0500\n`)
  issue('weak', CLIENT + BOT, { more: ['-sha1'] })
  issue('revoked', CLIENT + BOT, { serial: '0x0badc0de' })
  issue('below-zero', CLIENT + BOT, { serial: '-0x0badc0de' })
  issue('mail', `${CLIENT}subjectAltName=email:bot@example.org,DNS:bot.example.org\n`)
})
afterEach(() => {
  for (const each of made.splice(0)) each.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function certificates(
  more: Partial<ClientCertificateSettings> = {},
  now = Date.now,
  ended: string[] = [],
) {
  const all = new ClientCertificates(now, id => ended.push(id))
  made.push(all)
  const settings: ClientCertificateSettings = {
    issuer: 'spiffe://example.org',
    ca: `file:${folder}/ca.pem`,
    subject: 'uri',
    principal: 'agent',
    groups: ['agents'],
    prefix: 'x:',
    ...more,
  }
  all.update([settings])
  return all
}

describe('client certificates', () => {
  it('say who somebody is: by the one name of the kind that the entry wants', () => {
    expect(certificates().verify(der('bot'))).toMatchObject({
      kind: 'agent',
      id: 'x:spiffe://example.org/bot',
      issuer: 'spiffe://example.org',
      groups: ['x:agents'],
      credential: { kind: 'certificate', id: expect.stringMatching(/^[\da-f]{64}$/) },
      expiresAt: new X509Certificate(der('bot')).validToDate.getTime(),
    })
    expect(certificates({ subject: 'email' }).verify(der('mail')).subject).toBe('bot@example.org')
    expect(certificates({ subject: 'dns' }).verify(der('mail')).subject).toBe('bot.example.org')
    expect(certificates({ subject: 'cn' }).verify(der('nameless')).subject).toBe('nameless')
  })

  it.each([
    ['stranger', 'no authority'],
    ['two', 'exactly one'],
    ['nameless', 'exactly one'],
    ['server', 'not one that a client'],
    ['agreeing', 'not one that a client'],
    ['authority-itself', 'not one that a client'],
    ['ca', 'not one that a client'],
    ['strange', 'not known here'],
    ['weak', 'not accepted'],
  ])('are refused: %s', (name, words) => {
    expect(() => certificates().verify(der(name))).toThrow(words)
  })

  it('hold for their time only, and for names of the entry only', () => {
    expect(() => certificates({}, () => Date.now() + 3 * DAY).verify(der('bot'))).toThrow('expired')
    expect(() => certificates({}, () => Date.now() - 3 * DAY).verify(der('bot'))).toThrow('future')
    const here = certificates({ begins: 'spiffe://example.org/' })
    expect(here.verify(der('bot')).subject).toContain('bot')
    expect(() => here.verify(der('elsewhere'))).toThrow('no authority')
    expect(() => certificates().verify(Buffer.from('x'))).toThrow('cannot be read')
  })

  it('are refused once a list has them, and who came by one is ended, as soon as the list says so', async () => {
    list([])
    const ended: string[] = []
    const all = certificates({ crl: `file:${folder}/crl.pem` }, Date.now, ended)
    const { credential } = all.verify(der('revoked'))
    all.verify(der('bot'))
    list(['0BADC0DE'])
    utimesSync(join(folder, 'crl.pem'), new Date(), new Date(Date.now() + 5_000))
    await until('the list to be read', async () => ended.length > 0)
    expect(ended).toEqual([credential.id])
    expect(() => all.verify(der('revoked'))).toThrow('was revoked')
    expect(all.verify(der('bot')).kind).toBe('agent')
  })

  it('are refused where the list has ended, is another authority’s, or was tampered with', () => {
    list([], 'crl2')
    const late = () => Date.now() + 1.99 * DAY
    const crl = `file:${folder}/crl2.pem`
    expect(certificates({ crl }).verify(der('bot')).kind).toBe('agent')
    list([], 'ended', 'ca', '1')
    expect(() =>
      certificates({ crl: `file:${folder}/ended.pem` }, late).verify(der('bot')),
    ).toThrow('list has ended')
    list([], 'others', 'other')
    expect(() => certificates({ crl: `file:${folder}/others.pem` }).verify(der('bot'))).toThrow(
      'list has ended',
    )
  })

  it('are refused where the list tells of some certificates only', () => {
    const some = { cas: 'onlyCA=TRUE', reasons: 'onlysomereasons=keyCompromise' }
    for (const [name, part] of Object.entries(some)) {
      list([], name, 'ca', '2', `issuingDistributionPoint=critical,@i\n[i]\n${part}\n`)
      expect(
        () => certificates({ crl: `file:${folder}/${name}.pem` }).verify(der('bot')),
        name,
      ).toThrow('list has ended')
    }
  })

  it('are refused when any of the lists of their authority has them', () => {
    list([], 'former')
    list(['0BADC0DE'], 'latter')
    const [former, latter] = ['former', 'latter'].map(name =>
      readFileSync(join(folder, `${name}.pem`), 'utf8'),
    )
    for (const both of [`${former}${latter}`, `${latter}${former}`]) {
      writeFileSync(join(folder, 'both.pem'), both)
      const all = certificates({ crl: `file:${folder}/both.pem` })
      expect(() => all.verify(der('revoked'))).toThrow('was revoked')
      expect(all.verify(der('bot')).kind).toBe('agent')
    }
  })

  it('are known by their numbers, also below zero', () => {
    list(['-0BADC0DE'], 'negative')
    const all = certificates({ crl: `file:${folder}/negative.pem` })
    expect(() => all.verify(der('below-zero'))).toThrow('was revoked')
  })

  it('are no one’s by authorities that do not hold', () => {
    for (const ca of ['bot.pem', 'narrow.pem', 'bot.key', 'nothing.pem'])
      expect(() => certificates({ ca: `file:${folder}/${ca}` }), ca).toThrow(
        'identity.certificates',
      )
  })
})
