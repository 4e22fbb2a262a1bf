// Asking for a right for a time and taking it back; breaking the glass, and closing the review of it.
import { z } from 'zod'
import { paths, schemas, timeSchemas } from '#contract'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { requestSight, visibleRequest } from './request-sight.ts'
import { grantView } from './views.ts'

export function timeRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const
  const params = z.strictObject({ id: z.string() })

  routes.post(
    paths.requests,
    {
      config,
      schema: {
        summary:
          'Asks for a right for a time; the same question again is the request that waits already',
        body: timeSchemas.timeQuestion,
        response: { 201: schemas.accessRequest },
      },
    },
    async (request, reply) => {
      const caller = request.caller!
      const { uses, ...body } = request.body
      const asked = await parts.gateway.askForTime(
        caller.principal,
        { ...body, ...(uses === undefined ? {} : { uses }) },
        caller.origin,
      )
      return reply.code(201).send(requestSight(parts, caller).view(asked))
    },
  )

  routes.post(
    paths.cancel,
    {
      config,
      schema: {
        summary: 'Takes back what you asked for, while it waits',
        params,
        response: { 200: schemas.accessRequest },
      },
    },
    async request => {
      const caller = request.caller!
      await visibleRequest(parts, caller, request.params.id)
      const after = await parts.gateway.cancelRequest(caller.principal, request.params.id)
      return requestSight(parts, caller).view(after)
    },
  )

  routes.post(
    paths.breakGlass,
    {
      config,
      schema: {
        summary:
          'Takes a right at once, in an emergency: people who were enrolled, with a fresh second factor; another person reviews it',
        body: timeSchemas.emergency,
        response: { 201: z.object({ grant: schemas.grant, review: schemas.accessRequest }) },
      },
    },
    async (request, reply) => {
      const caller = request.caller!
      const { grant, review } = await parts.gateway.breakGlass(
        caller.principal,
        request.body,
        caller.origin,
      )
      return reply
        .code(201)
        .send({ grant: grantView(grant), review: requestSight(parts, caller).view(review) })
    },
  )

  routes.post(
    paths.review,
    {
      config,
      schema: {
        summary: 'Closes the review of what was done with the glass broken: another person, once',
        params,
        body: timeSchemas.reviewNote,
        response: { 200: schemas.accessRequest },
      },
    },
    async request => {
      const caller = request.caller!
      await visibleRequest(parts, caller, request.params.id)
      const after = await parts.gateway.review(
        caller.principal,
        request.params.id,
        request.body.note,
        caller.origin,
      )
      return requestSight(parts, caller).view(after)
    },
  )
}
