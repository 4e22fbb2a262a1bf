// What we speak on either leg: no SHA-1, no CBC, no NIST curves towards clients, no compression (it would make the
// sizes of what is masked tell of it, and a bomb of a few bytes).
import type { Algorithms } from 'ssh2'

const fast = ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com'] as const
const ciphers = [...fast, 'chacha20-poly1305@openssh.com', 'aes256-ctr'] as const
const macs = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'] as const

export const clientAlgorithms = {
  kex: [
    // First by its older name: Dropbear sends its first packet on a guess, and the library loses one that was right.
    'curve25519-sha256@libssh.org',
    'curve25519-sha256',
    // No larger group: 18 costs us 14 ms before anybody is known, and whoever only sends a number nothing.
    'diffie-hellman-group16-sha512',
  ],
  cipher: [...ciphers],
  hmac: [...macs],
  compress: ['none'],
} satisfies Algorithms

/**
 * A client's order decides, and OpenSSH would take the two that cost us twice as much for a byte: it is shown the others
 * alone, which each of its versions has since 6.2. Dropbear has none of those.
 */
export function ciphersFor(software: string): readonly string[] {
  return software.startsWith('OpenSSH_') ? fast : ciphers
}

/** Hosts may be older; what they are is pinned by their keys. `keyTypes`: those that the pinned keys have. */
export function upstreamAlgorithms(keyTypes: readonly string[]): Algorithms {
  const serverHostKey = keyTypes.flatMap(type =>
    type === 'ssh-rsa' ? (['rsa-sha2-512', 'rsa-sha2-256'] as const) : [type as 'ssh-ed25519'],
  )
  return {
    kex: [
      ...clientAlgorithms.kex,
      'diffie-hellman-group18-sha512',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group14-sha256',
    ],
    cipher: [...ciphers, 'aes128-ctr'],
    hmac: [...macs, 'hmac-sha2-256', 'hmac-sha2-512'],
    compress: ['none'],
    serverHostKey,
  }
}

/** Of a client's key. */
export const signatureAlgorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const
