import { describe, expect, it } from 'vitest'
import { ByteWriter } from '#engines/wire'
import { isGatewayError, ProtocolError } from '#model'
import { fc } from '../../../test/property.ts'
import { readStartupPacket, type StartupMessage } from './startup.ts'
import { clientParameters } from './startup-parameters.ts'

function packet(version: number, ...words: string[]): Uint8Array {
  const writer = new ByteWriter().int32(0).int32(version)
  for (const word of words) writer.cstring(word)
  writer.uint8(0).setInt32(0, writer.length)
  return writer.finish()
}
const V3 = 3 << 16
const given = (...words: string[]) =>
  clientParameters(readStartupPacket(packet(V3, ...words)) as StartupMessage)

describe('readStartupPacket', () => {
  it('reads a startup message with its parameters', () => {
    expect(
      readStartupPacket(packet(V3 | 2, 'user', 'ana', 'database', 'shop', '_pq_.x', '1')),
    ).toEqual({
      kind: 'startup',
      minor: 2,
      parameters: new Map([
        ['user', 'ana'],
        ['database', 'shop'],
      ]),
      protocolOptions: ['_pq_.x'],
    })
  })

  it('reads cancel requests with keys of 4 to 256 bytes, and no others', () => {
    const cancel = (keyBytes: number) =>
      new ByteWriter()
        .int32(12 + keyBytes)
        .int32(80877102)
        .int32(42)
        .bytes(new Uint8Array(keyBytes))
        .finish()
    expect(readStartupPacket(cancel(4))).toEqual({
      kind: 'cancel',
      pid: 42,
      key: new Uint8Array(4),
    })
    expect(readStartupPacket(cancel(256))).toMatchObject({ kind: 'cancel' })
    for (const size of [0, 3, 257])
      expect(() => readStartupPacket(cancel(size))).toThrow(ProtocolError)
  })

  it.each([
    ['a second value for a name', packet(V3, 'user', 'a', 'user', 'b')],
    ['a second value for an option', packet(V3, 'user', 'a', '_pq_.x', '1', '_pq_.x', '2')],
    ['version 2', packet(2 << 16, 'user', 'a')],
    ['version 4', packet(4 << 16, 'user', 'a')],
    ['bytes after the end', Buffer.concat([packet(V3, 'user', 'a'), Buffer.from('x')])],
    ['no end', packet(V3, 'user', 'a').subarray(0, -1)],
    ['a name without a value', packet(V3, 'user').subarray(0, -1)],
    ['a TLS request with a tail', new ByteWriter().int32(9).int32(80877103).uint8(0).finish()],
    [
      'a name that is not UTF-8',
      Buffer.concat([packet(V3).subarray(0, 8), Buffer.from([0xff, 0, 0, 0])]),
    ],
  ])('refuses %s', (_, bytes) => {
    expect(() => readStartupPacket(bytes)).toThrow(ProtocolError)
  })

  it('answers any bytes with a packet or an error of ours', () => {
    const words = fc.array(
      fc.constantFrom('user', 'database', 'options', '-c', '=', 'a', '', '\\', '"'),
    )
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4 }),
        words,
        fc.constantFrom(V3, V3 | 2, 80877102),
        (noise, list, v) => {
          for (const bytes of [noise, packet(v, ...list)]) {
            try {
              const read = readStartupPacket(bytes)
              if (read.kind === 'startup') clientParameters(read)
            } catch (error) {
              expect(isGatewayError(error)).toBe(true)
            }
          }
        },
      ),
    )
  })
})

describe('clientParameters', () => {
  it('takes the resource from the database, and another database behind a slash', () => {
    expect(given('user', 'ana', 'database', 'shop')).toMatchObject({
      resource: 'shop',
      database: undefined,
    })
    expect(given('user', 'ana', 'database', 'shop/other')).toMatchObject({
      resource: 'shop',
      database: 'other',
    })
    expect(given('user', 'ana')).toMatchObject({ resource: 'ana', database: undefined })
  })

  it('passes allowed settings, from parameters and from options', () => {
    const options = '-c statement_timeout=5s --lock-timeout=1s -csearch_path=a,\\ b'
    expect([...given('user', 'a', 'DateStyle', 'ISO', 'options', options).settings]).toEqual([
      ['datestyle', 'ISO'],
      ['statement_timeout', '5s'],
      ['lock_timeout', '1s'],
      ['search_path', 'a, b'],
    ])
  })

  it.each([
    ['role', ['role', 'postgres']],
    ['session_authorization', ['session_authorization', 'postgres']],
    ['a setting of an extension', ['shop.user', '1']],
    ['standard_conforming_strings off', ['standard_conforming_strings', 'off']],
    ['backslash_quote', ['options', '-c backslash_quote=on']],
    ['a role in options', ['options', '-c role=postgres']],
    ['a role in options, another way', ['options', '--ROLE=postgres']],
    ['a user in options', ['options', '-c user=sp-0123456789']],
    ['an empty option (CVE-2026-107349)', ['options', '-c=']],
    ['an option without a name', ['options', '-c']],
    ['another switch', ['options', '-f s']],
    ['a word that is no switch', ['options', 'x']],
    ['a value that is long', ['application_name', 'x'.repeat(2_000)]],
    ['a setting twice', ['timezone', 'UTC', 'options', '-c TimeZone=CET']],
    ['a schema before pg_catalog', ['search_path', 'evil, pg_catalog']],
    ['a path that is no list', ['search_path', 'a b']],
    ['an encoding that is no name', ['client_encoding', "UTF8'; x"]],
  ])('refuses %s', (_, words) => {
    expect(() => given('user', 'a', ...words)).toThrow(ProtocolError)
  })

  it('refuses replication in any spelling, and takes a plain no', () => {
    for (const value of ['true', 'database', 'on', 'yes', '1', 't']) {
      expect(() => given('user', 'a', 'replication', value)).toThrow(/replication/)
    }
    expect(given('user', 'a', 'replication', 'false').settings.size).toBe(0)
  })

  it('speaks UTF-8 with everybody, and says so to those who asked for another encoding', () => {
    for (const name of ['UTF8', 'utf-8', "'utf-8'", 'UNICODE', 'SQL_ASCII']) {
      expect(given('user', 'a', 'client_encoding', name).otherEncoding).toBeUndefined()
    }
    expect(given('user', 'a', 'client_encoding', 'LATIN1').otherEncoding).toBe('LATIN1')
    expect(given('user', 'a', 'client_encoding', 'LATIN1').settings.size).toBe(0)
  })

  it('refuses a packet without a user', () => {
    expect(() => given('database', 'shop')).toThrow(ProtocolError)
  })

  it('cleans an application name to printable ASCII', () => {
    expect(given('user', 'a', 'application_name', 'x\u00e9\ny').applicationName).toBe('x??y')
  })
})
