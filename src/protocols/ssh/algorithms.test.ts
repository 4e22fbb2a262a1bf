import { describe, expect, it } from 'vitest'
import { ciphersFor } from './algorithms.ts'

describe('ciphers towards a client', () => {
  it('are those that cost least where it has them for certain, and all where it may have no other', () => {
    expect(ciphersFor('OpenSSH_9.2p1')).toEqual([
      'aes256-gcm@openssh.com',
      'aes128-gcm@openssh.com',
    ])
    for (const software of ['dropbear_2022.83', 'AsyncSSH_2.10.1', ''])
      expect(ciphersFor(software)).toEqual([
        'aes256-gcm@openssh.com',
        'aes128-gcm@openssh.com',
        'chacha20-poly1305@openssh.com',
        'aes256-ctr',
      ])
  })
})
