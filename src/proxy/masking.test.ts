import { expect, it } from 'vitest'
import type { Permit } from '#gateway'
import { Body, Fields, type RequestHead, type ResponseHead } from '#transport/http'
import { readAnswer } from './masking.ts'

function answerOf(...types: readonly string[]) {
  const asked: (string | undefined)[] = []
  const permit = {
    masks: true,
    body: ({ contentType }: { contentType: string | undefined }) => {
      asked.push(contentType)
      return undefined
    },
  } as unknown as Permit
  const head: ResponseHead = {
    status: 200,
    fields: Fields.of(...types.map(type => ['content-type', type] as const)),
    body: { kind: 'stream' },
  }
  readAnswer({ permit, request: {} as RequestHead, head, body: Body.empty() }, 'refuse')
  return asked
}

it('refuses an answer that says twice what it is: clients differ in which they believe', () => {
  expect(answerOf('application/json')).toEqual(['application/json'])
  expect(() => answerOf('text/plain', 'application/json')).toThrow('twice')
})
