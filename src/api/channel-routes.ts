// Channels: how they do, a test of one, and the door for signed decisions that come back.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type ChannelView, channelSchemas, type DeliveryView, paths } from '#contract'
import { principalEntry } from '#gateway'
import { AuthenticationFailed, InvalidRequest } from '#model'
import type { ChannelStatus, Delivery } from '#services/channels'
import type { Routes } from './api.ts'
import { originOf } from './authentication.ts'
import { answerLater, decide } from './channel-decisions.ts'
import type { ApiParts } from './parts.ts'
import { need } from './rights.ts'

/** A click or a decision is a few hundred bytes; Slack sends the message along. */
const MOST_HOOK_BYTES = 256 * 1024
const params = z.strictObject({ name: z.string().max(63) })

export function channelRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.get(
    paths.channels,
    {
      config,
      schema: {
        summary: 'Channels and what was sent last. Needs console:read',
        response: { 200: z.array(channelSchemas.channel) },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:read')
      return (await parts.channels.list()).map(channelView)
    },
  )

  routes.post(
    paths.testChannel,
    {
      config,
      schema: {
        summary: 'Sends a test through a channel, now and once. Needs console:operate',
        params,
        response: { 200: channelSchemas.tested },
      },
    },
    async request => {
      const caller = request.caller!
      need(parts, caller, 'console:operate')
      const { name } = request.params
      await parts.audit.durable(
        parts.audit.append({
          kind: 'operator.acted',
          principal: principalEntry(caller.principal),
          details: { action: 'test channel', channel: name },
        }),
      )
      return deliveryView(await parts.channels.test(name))
    },
  )
}

/** In a scope of its own: a signature is about the very bytes, so nothing reads them before it is checked. */
export function channelHooks(server: FastifyInstance, parts: ApiParts): void {
  void server.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: MOST_HOOK_BYTES },
      (_request, body, done) => done(null, body),
    )
    scope.post<{ Params: { name: string }; Body: unknown }>(
      paths.channelHook,
      {
        config: { access: 'signed' },
        bodyLimit: MOST_HOOK_BYTES,
        // Its body is of whoever sends it: the document says so by itself (openapi.ts).
        schema: { hide: true, params },
      },
      async (request, reply) => {
        const origin = originOf(request.raw)
        const { name } = request.params
        if (!Buffer.isBuffer(request.body)) {
          throw new InvalidRequest('request_invalid', 'There is no body.')
        }
        const incoming = { headers: request.headers, body: request.body }
        const decision = await parts.channels.receive(name, incoming).catch(error => {
          // Not passed over: guesses at a signature are on record as those at a token are.
          if (error instanceof AuthenticationFailed) parts.gateway.loginFailed(origin, error.code)
          throw error
        })
        if (decision === undefined) return reply.code(200).send('')
        if (decision.waits) {
          const { id, state } = await decide(parts, name, decision, origin)
          return { request: id, state }
        }
        answerLater(parts, name, decision, origin)
        return reply.code(200).send('')
      },
    )
  })
}

function channelView({ deliveries, ...status }: ChannelStatus): ChannelView {
  return { ...status, deliveries: deliveries.map(deliveryView) }
}

function deliveryView(delivery: Delivery): DeliveryView {
  const { id, event, request, state, attempts, createdAt, triedAt, nextAt, error } = delivery
  return {
    id,
    event,
    ...(request === undefined ? {} : { request }),
    state,
    attempts,
    createdAt,
    ...(triedAt === undefined ? {} : { triedAt }),
    ...(state === 'waiting' ? { nextAt } : {}),
    ...(error === undefined ? {} : { error }),
  }
}
