// The log for those who verify it: signed heads, tiles, bundles of entries. A proof is made by who wants it, out of
// tiles: nothing that this border says has to be believed. Entries that are read are on record; hashes tell nothing.
import { z } from 'zod'
import { paths, evidenceSchemas as schemas } from '#contract'
import { InvalidRequest } from '#model'
import type { Routes } from './api.ts'
import { onRecord } from './audit-routes.ts'
import type { ApiParts } from './parts.ts'
import { need } from './rights.ts'

const TILE_WIDTH = 256
const TEXT = 'text/plain; charset=utf-8'

export function evidenceRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'principal' } as const

  routes.get(
    paths.auditLog,
    {
      config,
      schema: {
        summary: 'The audit log: its key, its size, its newest signed head. Needs console:audit',
        response: { 200: schemas.log },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:audit')
      const { origin, vkey, size, published } = parts.audit
      return { origin, vkey, size, head: await timed(parts, published.head), sinks: [] }
    },
  )

  routes.get(
    paths.auditHeads,
    {
      config,
      schema: {
        summary: 'Signed heads, newest first, over fewer than `below` entries. Needs console:audit',
        querystring: z.strictObject({
          below: z.coerce.number().int().min(0).optional(),
          count: z.coerce.number().int().min(1).max(100).default(20),
        }),
        response: { 200: z.array(schemas.head) },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:audit')
      const { below, count } = request.query
      const heads: z.infer<typeof schemas.head>[] = []
      for (const head of parts.audit.published.heads(below, count))
        heads.push(await timed(parts, head))
      return heads
    },
  )

  routes.get(
    paths.auditCheckpoint,
    {
      config,
      schema: { summary: 'The newest signed head (C2SP tlog-checkpoint). Needs console:audit' },
    },
    async (request, reply) => {
      need(parts, request.caller!, 'console:audit')
      return reply.type(TEXT).send(parts.audit.published.head.note)
    },
  )

  routes.get(
    paths.auditTile,
    {
      config,
      schema: {
        summary:
          'A tile of hashes, or with `entries` as level a bundle of entries (C2SP tlog-tiles). Needs console:audit',
        params: z.object({ level: z.string(), '*': z.string() }),
      },
    },
    async (request, reply) => {
      need(parts, request.caller!, 'console:audit')
      const { index, width } = placeOf(request.params['*'])
      const { level } = request.params
      void reply.type('application/octet-stream')
      if (level !== 'entries') {
        if (!/^[0-6]$/.test(level)) throw noTile()
        return reply.send(await parts.audit.published.tile(Number(level), index, width))
      }
      const bundle = await parts.audit.published.entries(index, width)
      await onRecord(parts, request.caller!, { from: index * TILE_WIDTH, count: width })
      return reply.send(bundle)
    },
  )
}

/** `x001/x234/067` and `x001/x234/067.p/8`, in their one spelling. */
function placeOf(path: string): { readonly index: number; readonly width: number } {
  const found = /^((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path)
  const [, groups, width = TILE_WIDTH] = found ?? []
  if (groups === undefined || /^x000\//.test(groups)) throw noTile()
  if (found?.[2] !== undefined && Number(width) >= TILE_WIDTH) throw noTile()
  return { index: Number(groups.replaceAll(/[x/]/g, '')), width: Number(width) }
}

function noTile(): InvalidRequest {
  return new InvalidRequest('request_unknown', 'The log has no such tile.')
}

async function timed(
  { audit }: ApiParts,
  { size, note }: { readonly size: number; readonly note: string },
): Promise<z.infer<typeof schemas.head>> {
  const [newest] = await audit.read(size - 1, 1)
  const at = Date.parse(String(newest?.['ts']))
  return { size, note, ...(Number.isNaN(at) ? {} : { at }) }
}
