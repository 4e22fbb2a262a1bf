// The enforcement point, joined to the rooms. What may change while it runs is handed to it as a question.
import { CONSOLE } from '#config'
import { paths } from '#contract'
import { SallyportGateway } from '#gateway'
import { dialTcp, serverNames } from '#transport'
import type { Rooms } from './rooms.ts'
import { consoleUrl, type Server } from './server.ts'

export async function buildGateway(server: Server, rooms: Rooms): Promise<SallyportGateway> {
  const { listeners, log, metrics, now } = server
  const { audit, grants, identity, inventory, keys, recordings, requests, tls, vault } = rooms
  const { login } = server.config.identity
  const gateway = new SallyportGateway({
    now,
    audit,
    recordings,
    requests,
    grants,
    identity,
    vault,
    inventory,
    policies: () => rooms.policies.current(),
    masks: () => rooms.masking.masks,
    settings: () => ({
      ...server.config.limits,
      strict: server.config.audit.durability === 'strict',
    }),
    hold: name => ({
      ...server.config.approvals.hold,
      ...server.config.resources.find(each => each.name === name)?.hold,
    }),
    keys,
    names: () => serverNames(server.config.names),
    devicePage: () =>
      login === undefined || (server.config.url === undefined && !listeners.has(CONSOLE))
        ? undefined
        : `${consoleUrl(server)}${paths.device}`,
    tls: () => ({
      context: tls.context(),
      certificate: tls.certificateDer(),
      get asking() {
        const authorities = identity.certificateAuthorities()
        return authorities === '' ? undefined : tls.asking(authorities)
      },
    }),
    dial: (host, port, signal) =>
      dialTcp(host, port, { timeoutMs: server.config.limits.upstreamLoginMs, signal }),
    log,
    metrics,
  })
  await gateway.grantLeftOut()
  return gateway
}
