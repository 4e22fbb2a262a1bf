// Certificates as clients ask for them and get them, in the forms of OpenSSH's own files and lines.
import { createHash, generateKeyPairSync } from 'node:crypto'
import type { KeyProofs } from '#gateway'
import { InvalidRequest, isGatewayError } from '#model'
import { ed25519Blob, opensshPrivateKey, publicKeyLine, readPublicKey } from '../public-key.ts'
import { certificateLine, isPrincipal, writeCertificate } from './certificate.ts'
import { readNetworks, SOURCE_ADDRESS } from './client-proof.ts'
import { string } from './fields.ts'
import { readSubjectKey, type SubjectKey } from './subject-key.ts'

/** Clocks of several gateways are not quite one. */
const SKEW_MS = 30_000
const DEFAULT_PORT = 22

export const keyProofs: KeyProofs = {
  newKey() {
    const { privateKey } = generateKeyPairSync('ed25519')
    const publicKey = publicKeyLine(privateKey)
    return {
      publicKey,
      files: certificate => [
        { suffix: '', text: opensshPrivateKey(privateKey) },
        { suffix: '-cert.pub', text: `${certificate}\n` },
      ],
    }
  },

  certifier({ publicKey, resource, from }) {
    const { subject, blob } = subjectOf(publicKey)
    if (from !== undefined && readNetworks(from) === undefined)
      throw new InvalidRequest('request_invalid', 'That is no list of addresses and networks.', {
        hint: 'Such as 10.0.0.0/8,192.0.2.7.',
      })
    const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
    return {
      fingerprint: `SHA256:${digest}`,
      certify({ id, now, expiresAt }, { clients }) {
        const terms = {
          kind: 'user' as const,
          id,
          principals: [resource],
          validAfter: seconds(now - SKEW_MS),
          validBefore: seconds(expiresAt),
          options: new Map(from === undefined ? [] : [[SOURCE_ADDRESS, string(from)]]),
          // What may be done is decided at each command: a certificate that says so too could only say it too late.
          extensions: new Map(),
        }
        return `${certificateLine(writeCertificate(subject, terms, clients))} ${id}`
      },
    }
  },

  useLine: ({ host, port, resource }, file) =>
    `ssh -p ${port}${file === undefined ? '' : ` -i ${file}`} ${resource}@${host}`,
  keep: (file, lifetime) => ['ssh-add', '-q', '-t', String(lifetime), file],

  trust: ({ upstreams }) => `${publicKeyLine(upstreams)} sallyport-user-ca`,

  knownHosts({ names, port }, hostKey, { gateways }) {
    const line = (of: readonly string[], key: Buffer) => {
      const patterns = of.map(name => (port === DEFAULT_PORT ? name : `[${name}]:${port}`))
      return `${patterns.join(',')} ssh-ed25519 ${key.toString('base64')}`
    }
    // A certificate names hosts, not patterns: where a client looks for one, it has to be in it.
    const named = names.filter(isPrincipal)
    return [
      `@cert-authority ${line(named, ed25519Blob(gateways))}`,
      line(names, ed25519Blob(hostKey)),
    ]
  },
}

function subjectOf(line: string): { subject: SubjectKey; blob: Buffer } {
  const read = readPublicKey(line)
  try {
    if (read !== undefined) return { subject: readSubjectKey(read.blob), blob: read.blob }
  } catch (error) {
    if (!isGatewayError(error)) throw error
    // Not passed over: refused below, in words for whoever asked.
  }
  throw new InvalidRequest(
    'request_invalid',
    'That is no public key that a certificate can be for.',
    {
      hint: 'ssh-ed25519, ecdsa-sha2-nistp256, -384 or -521, or ssh-rsa of 2048 bits or more, as one line.',
    },
  )
}

const seconds = (ms: number): bigint => BigInt(Math.floor(ms / 1_000))
