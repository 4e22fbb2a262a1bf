import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import {
  encodeRecord,
  formatEntryProof,
  formatVkey,
  inclusionProof,
  leafHash,
  nodeHash,
  openCheckpoint,
  openNote,
  parseVkey,
  signCheckpoint,
  signNote,
  verifyEntryProof,
} from './index.ts'

// The example of golang.org/x/mod/sumdb/note, which the C2SP text quotes.
const GO_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const GO_TEXT =
  'If you think cryptography is the answer to your problem,\nthen you don\u2019t know what your problem is.\n'.replace(
    '\u2019',
    "'",
  )
const GO_SIGNATURE =
  'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM='

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const signer = { name: 'example.com/audit/one', privateKey }
const vkey = formatVkey(signer.name, publicKey)

/** Every note that differs in one byte. */
function* flips(note: string): Generator<string> {
  const bytes = Buffer.from(note)
  for (let at = 0; at < bytes.length; at++) {
    const bent = Buffer.from(bytes)
    bent[at] = (bent[at] ?? 0) ^ 1
    yield bent.toString('utf8')
  }
}

describe('a signed note', () => {
  it('of another implementation opens with its vkey', () => {
    const note = `${GO_TEXT}\n\u2014 PeterNeumann ${GO_SIGNATURE}\n`
    expect(openNote(note, parseVkey(GO_VKEY))).toBe(GO_TEXT)
  })

  it('opens for its signer, with other signatures beside it', () => {
    const note = signNote('a text\n', signer)
    expect(openNote(note, parseVkey(vkey))).toBe('a text\n')
    const other = generateKeyPairSync('ed25519').privateKey
    const line = signNote('a text\n', { name: 'witness', privateKey: other }).split('\n')[2]
    expect(openNote(`${note}${line}\n`, parseVkey(vkey))).toBe('a text\n')
  })

  it('does not open when any byte differs', () => {
    const verifier = parseVkey(vkey)
    for (const bent of flips(signNote('origin\n12\nroot\n', signer))) {
      expect(openNote(bent, verifier)).toBeUndefined()
    }
  })

  it('does not open with two signatures of one key, or none', () => {
    const note = signNote('a text\n', signer)
    expect(openNote(`${note}${note.split('\n')[2]}\n`, parseVkey(vkey))).toBeUndefined()
    expect(openNote('a text\n\n', parseVkey(vkey))).toBeUndefined()
    expect(openNote('', parseVkey(vkey))).toBeUndefined()
  })

  it('refuses a vkey in which any byte differs', () => {
    for (const bent of flips(vkey)) expect(() => parseVkey(bent)).toThrow()
    expect(() => formatVkey('a name', publicKey)).toThrow()
  })

  it('uses deterministic signatures', () => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const again = { name: signer.name, privateKey: createPrivateKey(pem) }
    expect(signNote('x\n', again)).toBe(signNote('x\n', signer))
    expect(formatVkey(signer.name, createPublicKey(pem))).toBe(vkey)
  })
})

describe('a checkpoint', () => {
  const root = leafHash(Buffer.from('x'))

  it('opens to its size and root', () => {
    const opened = openCheckpoint(signCheckpoint(12, root, signer), parseVkey(vkey))
    expect(opened?.size).toBe(12)
    expect(Buffer.compare(opened?.root ?? Buffer.of(), root)).toBe(0)
  })

  it.each([
    ['another origin', 'elsewhere\n12\nROOT\n'],
    ['a leading zero', 'ORIGIN\n012\nROOT\n'],
    ['a size beyond 2^53', 'ORIGIN\n9999999999999999\nROOT\n'],
    ['a short root', 'ORIGIN\n12\nAAAA\n'],
    ['an extension line', 'ORIGIN\n12\nROOT\nmore\n'],
  ])('with %s does not open, though it is signed', (_, form) => {
    const text = form
      .replace('ORIGIN', signer.name)
      .replace('ROOT', Buffer.from(root).toString('base64'))
    expect(openCheckpoint(signNote(text, signer), parseVkey(vkey))).toBeUndefined()
  })
})

describe('a proof file', () => {
  const records = [0, 1, 2].map(seq =>
    Buffer.from(encodeRecord({ kind: 'log.start' }, seq, '2026-11-21T00:00:00.000Z')),
  )
  const [a, b, c] = records.map(leafHash) as [Uint8Array, Uint8Array, Uint8Array]
  const source = {
    hashAt: (level: number, index: number) => (level === 0 ? [a, b, c][index]! : nodeHash(a, b)),
  }
  const checkpoint = signCheckpoint(3, nodeHash(nodeHash(a, b), c), signer)
  const proof = formatEntryProof(1, inclusionProof(1, 3, source), checkpoint)

  it('proves its record', () => {
    expect(verifyEntryProof(proof, records[1]!, parseVkey(vkey))).toMatchObject({ index: 1 })
    const extra = proof.replace('index 1', 'extra AAAA\nindex 1')
    expect(verifyEntryProof(extra, records[1]!, parseVkey(vkey))).toMatchObject({ index: 1 })
  })

  it('proves no other record, and nothing once a byte differs', () => {
    const verifier = parseVkey(vkey)
    expect(verifyEntryProof(proof, records[0]!, verifier)).toBeUndefined()
    for (const bent of flips(proof))
      expect(verifyEntryProof(bent, records[1]!, verifier)).toBeUndefined()
  })
})

describe('readers of texts from outside', () => {
  it('answer undefined for whatever is not theirs, and never throw', () => {
    const verifier = parseVkey(vkey)
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '',
        'index 0',
        'c2sp.org/tlog-proof@v1',
        `\u2014 ${signer.name} AAAA`,
        signer.name,
        '12',
        'AA==',
      ),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), lines => {
        const text = lines.join('\n')
        expect(openNote(text, verifier)).toBeUndefined()
        expect(openCheckpoint(`${text}\n`, verifier)).toBeUndefined()
        expect(
          verifyEntryProof(`c2sp.org/tlog-proof@v1\n${text}`, Buffer.from('x'), verifier),
        ).toBeUndefined()
      }),
      { numRuns: 2_000 },
    )
  })
})
