import { describe, expect, it } from 'vitest'
import { UpstreamError } from '#model'
import { addressRule, resolveAddresses } from './addresses.ts'

const refused = async (host: string, addresses: readonly string[], allow: readonly string[] = []) =>
  resolveAddresses(host, addressRule(allow), async () => addresses).then(
    found => {
      throw new Error(`it leads to ${found}`)
    },
    (error: unknown) => {
      if (!(error instanceof UpstreamError)) throw error
      return { message: error.message, cause: (error.cause as Error).message }
    },
  )

describe('an address that a resource may not have', () => {
  it('is told to the operator with its kind, and to the client not at all', async () => {
    const { message, cause } = await refused('billing.internal', ['10.0.0.7', '10.0.0.8'])
    expect(message).not.toMatch(/\d/)
    expect(cause).toBe('10.0.0.7, 10.0.0.8: private, which `addresses` does not name')
    expect((await refused('billing.internal', ['127.0.0.1'], ['private'])).cause).toContain(
      '127.0.0.1: loopback',
    )
  })

  it('is that of a cloud’s credentials, whatever is allowed by name', async () => {
    const all = ['loopback', 'private', 'link-local']
    expect((await refused('billing.internal', ['169.254.169.254'], all)).cause).toContain(
      'metadata',
    )
    expect((await refused('169.254.169.254', [], all)).cause).toContain('metadata')
  })
})
