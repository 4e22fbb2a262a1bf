import { describe, expect, it } from 'vitest'
import { connectHint, libpqEnvironment } from './connect-hint.ts'
import { postgresSettings } from './settings.ts'

describe('postgresSettings', () => {
  it('asks for host and database, and verifies the server in full unless told otherwise', () => {
    expect(postgresSettings.parse({ host: 'db', database: 'shop' })).toEqual({
      host: 'db',
      port: 5432,
      database: 'shop',
      tls: 'verify-full',
      databases: 'any',
    })
  })

  it.each([
    ['an unknown key', { sslmode: 'disable' }],
    ['an unknown mode', { tls: 'prefer' }],
    ['a port out of range', { port: 65_536 }],
    ['a CA that is neither a file nor PEM', { ca: 'ca.pem' }],
    ['an empty database', { database: '' }],
    ['a password', { password: 'x' }],
  ])('refuses %s', (_, more) => {
    expect(postgresSettings.safeParse({ host: 'db', database: 'shop', ...more }).success).toBe(
      false,
    )
  })
})

describe('connectHint', () => {
  it('gives lines to paste that verify the gateway, without a secret', () => {
    const lines = connectHint({ host: 'gw', port: 15432, resource: 'shop', ca: '/data/ca.pem' })
    expect(lines[0]).toBe(
      `PGPASSWORD="$SALLYPORT_TOKEN" psql 'host=gw port=15432 dbname=shop user=token sslmode=verify-full sslrootcert=/data/ca.pem'`,
    )
    expect(lines[2]).toContain('sslmode=verify-full&sslrootcert=%2Fdata%2Fca.pem')
  })

  it('quotes what a shell or libpq would take apart', () => {
    const [line] = connectHint({
      host: 'gw',
      port: 1,
      resource: 'shop',
      ca: '/my data/$(x)/ca.pem',
    })
    expect(line).toContain(`sslrootcert='/my data/\\$(x)/ca.pem'"`)
  })

  it('points libpq at a local port', () => {
    expect(
      libpqEnvironment({ host: 'localhost', port: 7, resource: 'shop', ca: '' }),
    ).toMatchObject({
      PGHOST: 'localhost',
      PGPORT: '7',
      PGDATABASE: 'shop',
    })
  })
})
