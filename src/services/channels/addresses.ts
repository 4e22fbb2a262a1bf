// Where a channel may lead: a name that an outsider controls must not reach into the network behind the gateway.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isLoopback } from '#config'
import { kindOf } from '#engines/addresses'
import { DeliveryFailed } from './channel.ts'

export interface Target {
  readonly address: string
  readonly family: 4 | 6
}

/**
 * Resolves a host, once: the connection goes to this address and no other. Throws DeliveryFailed when there is none,
 * or when one of its addresses is not permitted.
 */
export async function targetOf(host: string, allowPrivate: boolean): Promise<Target> {
  const name = host.replace(/^\[|\]$/g, '')
  const found = await resolve(name)
  const permitted = (address: string): boolean => {
    const kind = kindOf(address)
    if (isLoopback(name)) return kind === 'loopback'
    return kind === 'public' || (allowPrivate && kind === 'private')
  }
  // All of them: of two addresses, the one that is used must not be a matter of luck.
  const wrong = found.find(({ address }) => !permitted(address))
  if (wrong !== undefined) {
    throw new DeliveryFailed(
      `${name} leads to ${wrong.address}, which is not public (allowPrivate permits private networks)`,
    )
  }
  const [first] = found
  if (first === undefined) throw new DeliveryFailed(`${name} has no address`)
  return { address: first.address, family: first.family === 6 ? 6 : 4 }
}

async function resolve(name: string): Promise<{ address: string; family: number }[]> {
  const family = isIP(name)
  if (family !== 0) return [{ address: name, family }]
  try {
    return await lookup(name, { all: true })
  } catch {
    // Not safe to go on without one; the resolver's own words add nothing.
    throw new DeliveryFailed(`${name} cannot be resolved`)
  }
}
