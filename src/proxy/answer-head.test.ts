import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import type { Permit } from '#gateway'
import { Fields, NO_BODY, type RequestHead } from '#transport/http'
import { answerHead } from './answer-head.ts'
import type { Injected } from './dialect.ts'

const permit = {
  masks: true,
  under: {},
  scrub: (value: string) => value.replaceAll('ann@example.com', '⟦m:email⟧'),
} as unknown as Permit

function told(reason: string | undefined) {
  const { head, text } = answerHead({
    of: {
      status: 404,
      ...(reason === undefined ? {} : { reason }),
      fields: Fields.none,
      body: NO_BODY,
    },
    request: { fields: Fields.of(['host', 'api.example']) } as RequestHead,
    way: { origin: 'https://upstream', authority: 'upstream', basePath: '', ownPath: '' },
    permit,
    injected: { fields: [], secrets: ['our-secret'] } as unknown as Injected,
    masked: true,
    hidden: true,
    tags: { resource: 'api', principal: 'user:ana', path: '/' },
    contentType: undefined,
    body: NO_BODY,
    scheme: 'https',
    carrier: undefined,
  })
  return { reason: head.reason, text: Buffer.from(text).toString() }
}

it('hides in the words behind the status what it hides in fields, also on record', () => {
  expect(told('no ann@example.com for our-secret')).toEqual({
    reason: 'no [m:email] for [secret]',
    text: 'HTTP 404 no [m:email] for [secret]\n\n',
  })
  expect(told('Not Found').reason).toBe('Not Found')
  expect(told(undefined)).toEqual({ reason: undefined, text: 'HTTP 404 \n\n' })
})
