import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { type BodyMasker, BodyProblem } from '#engines/bodies'
import type { Permit, Session } from '#gateway'
import { Body, type BodyWriter, Fields, type Framing } from '#transport/http'
import { AnswerRelay } from './answer.ts'

/** Masks a digit as three stars, and reads no `!`. */
function masker(): BodyMasker {
  return {
    contentType: undefined,
    found: new Map(),
    write(chunk) {
      const text = Buffer.from(chunk).toString()
      if (text.includes('!')) throw new BodyProblem('malformed', 'It is not what it says.')
      return [Buffer.from(text.replaceAll(/\d/g, '***'))]
    },
    end: () => [],
    abort() {},
  }
}

/** What a client gets of a body of these pieces, whose head says how long it is. */
function relayed(
  pieces: readonly string[],
  {
    most = Infinity,
    secrets = [] as string[],
    farewell = undefined as Buffer | undefined,
    masked = true,
    length = pieces.join('').length as number | 'unsaid',
  } = {},
) {
  const seen = { framings: [] as (Framing | undefined)[], text: '', ended: false, recorded: '' }
  let over: { bytes: number; error: Error | undefined; isTold?: boolean } | undefined
  const body = new Body({ pause() {}, resume() {}, cancel() {} })
  const writer: BodyWriter = {
    write(bytes) {
      seen.text += Buffer.from(bytes).toString()
      return true
    },
    end() {
      seen.ended = true
    },
    abort() {},
    onDrain() {},
    onLost() {},
  }
  const relay = new AnswerRelay({
    session: {
      recordOutput: (_permit: Permit, _stream: string, bytes: Uint8Array) => {
        seen.recorded += Buffer.from(bytes).toString()
      },
    } as unknown as Session,
    permit: { limit: most === Infinity ? {} : { bytes: most } } as Permit,
    body,
    masker: masked ? masker() : undefined,
    length: length === 'unsaid' ? undefined : length,
    secrets,
    keep: 1_000,
    trailers: trailers => trailers,
    respond(framing) {
      seen.framings.push(framing)
      return writer
    },
    over: (bytes, error, isTold) => {
      over = { bytes, error, ...(isTold === undefined ? {} : { isTold }) }
    },
  })
  relay.start()
  for (const piece of pieces) body.push(Buffer.from(piece))
  if (farewell !== undefined) relay.cut(new Error('ended'), farewell)
  body.finish(Fields.none)
  return { ...seen, over }
}

it('says how long a masked body is that came in one piece', () => {
  expect(relayed(['a1b'])).toMatchObject({
    framings: [{ kind: 'length', length: 5 }],
    text: 'a***b',
    recorded: 'a***b',
    ended: true,
    over: { bytes: 5, error: undefined },
  })
})

it('sends what comes in pieces as it comes, the same bytes', () => {
  expect(relayed(['a', '1b'])).toMatchObject({
    framings: [{ kind: 'stream' }],
    text: 'a***b',
    recorded: 'a***b',
    ended: true,
    over: { bytes: 5, error: undefined },
  })
})

it('takes our own credential out of a masked body in one piece, its end included', () => {
  const secrets = ['our-key']
  expect(relayed(['a1 our-key b'], { secrets }).text).toBe('a*** ******* b')
  expect(relayed(['a1 our-key'], { secrets }).text).toBe('a*** *******')
  expect(relayed(['a1 our-ke'], { secrets })).toMatchObject({
    framings: [{ kind: 'length', length: 11 }],
    text: 'a*** our-ke',
  })
})

it('refuses as a whole what cannot be masked, or is longer than the policy lets it be', () => {
  for (const [pieces, code, most] of [
    [['a1!'], 'answer_unreadable', Infinity],
    [['a1b'], 'limit_exceeded', 4],
  ] as const) {
    const { framings, text, over } = relayed(pieces, { most })
    expect({ framings, text }).toEqual({ framings: [], text: '' })
    expect(over).toMatchObject({ bytes: 0, error: { code } })
  }
})

it('ends what is cut with the line that says so, and is whole then', () => {
  const farewell = Buffer.from('(ended)\n')
  expect(relayed(['a\n', '1\n'], { farewell })).toMatchObject({
    text: 'a\n***\n(ended)\n',
    ended: true,
    over: { bytes: 6, error: { message: 'ended' }, isTold: true },
  })
  expect(relayed(['a\n'], { farewell, masked: false, length: 'unsaid' })).toMatchObject({
    text: 'a\n(ended)\n',
    ended: true,
  })
  // What waits as the beginning of a secret is of a line that nobody saw.
  expect(relayed(['a1\nour', '-'], { farewell, secrets: ['our-key'] }).text).toBe('a***\n(ended)\n')
})

it('is cut short within a line, and where the head said how much would come', () => {
  const farewell = Buffer.from('(ended)\n')
  for (const [pieces, options] of [
    [['a\n', '1'], {}],
    [['a\n1'], { masked: false, length: 'unsaid' }],
    [['a\n'], { masked: false, length: 100 }],
  ] as const) {
    const { text, ended, over } = relayed(pieces, { farewell, ...options })
    expect(text).not.toContain('ended')
    expect(ended).toBe(false)
    expect(over).toMatchObject({ error: { message: 'ended' } })
    expect(over).not.toHaveProperty('isTold')
  }
})
