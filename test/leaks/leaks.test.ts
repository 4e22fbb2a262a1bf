// The leak suite: canaries in classed columns of real servers, thousands of ways to ask for them, and not one byte of
// one of them in what a client gets. And what is no secret is not hidden with it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, type PostgresVersion } from '../servers/postgres.ts'
import { attacks, keyOf } from './attacks.ts'
import { byHand } from './by-hand.ts'
import type { Verdict } from './judge.ts'
import { knownLeaks } from './known-leaks.ts'
import { type Raid, raid } from './raid.ts'
import { figuresOf, linesOf } from './report.ts'
import { generated } from './shapes.ts'
import { type Ground, startGround } from './stage.ts'
import { survey } from './survey.ts'

/** Of all products of expressions and places, one of so many; all of them with LEAKS=all. */
const SHARE = process.env['LEAKS'] === 'all' ? 1 : 8
/** It takes its time, the more where others work. */
const MOST_MS = 900_000
/** Of the columns that are no secret, so many may be hidden. */
const FALSE_MASKS = 0.01

const shapes = [...new Set(byHand.map(({ shape }) => shape))]

let ground: Ground
beforeAll(async () => {
  ground = await startGround()
})
afterAll(() => ground?.stop())

function leaksOf(verdicts: readonly Verdict[]): readonly string[] {
  return [...linesOf(verdicts, 'leak'), ...linesOf(verdicts, 'broken')].slice(0, 20)
}

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(`PostgreSQL ${version}`, () => suite(version))
}

function suite(version: PostgresVersion): void {
  describe('every expression in every place, in some way to ask', () => {
    let verdicts: readonly Verdict[] = []
    beforeAll(async () => {
      verdicts = await survey(ground, version, 'ana', generated(SHARE))
    }, MOST_MS)

    test('no answer shows a hidden value, or changes another', () => {
      expect(leaksOf(verdicts)).toEqual([])
      expect(verdicts.length).toBeGreaterThan(10_000 / SHARE)
    })

    test('the server itself shows them in most answers, and the gateway answers most', () => {
      const { answered, asked } = figuresOf(verdicts)
      expect(verdicts.filter(({ visible }) => visible).length / asked).toBeGreaterThan(0.5)
      // Refused are binary COPY, and functions of users that get or read hidden values (masked_copy).
      expect(answered / asked).toBeGreaterThan(0.85)
    })

    test('little is hidden that is no secret', () => {
      expect(figuresOf(verdicts).falseMasks).toBeLessThan(FALSE_MASKS)
    })
  })

  test(
    'who may see one class sees it whole, and no other',
    async () => {
      const verdicts = await survey(ground, version, 'carl', generated(SHARE * 2, 'ssn'))
      expect(leaksOf(verdicts)).toEqual([])
      expect(figuresOf(verdicts).falseMasks).toBeLessThan(FALSE_MASKS)
    },
    MOST_MS,
  )

  test.each(['ana', 'order-bot'] as const)(
    'under the rules that apply when nothing is configured, %s sees nothing either',
    async who => {
      const verdicts = await survey(ground, version, who, generated(SHARE * 3), { strict: true })
      expect(leaksOf(verdicts)).toEqual([])
    },
    MOST_MS,
  )

  describe('queries written by hand, in every way to ask', () => {
    let verdicts: readonly Verdict[] = []
    beforeAll(async () => {
      verdicts = await survey(ground, version, 'ana', byHand, { everyMode: true })
    }, MOST_MS)

    test.each(shapes)('%s', shape => {
      const these = verdicts.filter(({ query }) => query.shape === shape)
      expect(leaksOf(these)).toEqual([])
      expect(figuresOf(these).asked).toBeGreaterThan(0)
    })
  })

  describe('attacks in several steps', () => {
    // Most of these wait for a catalog to be read again: one protocol on each server, unless all is asked for.
    const protocols = (['simple', 'extended'] as const).filter(
      protocol => SHARE === 1 || (protocol === 'simple') === (version === 15),
    )
    let raids: readonly Raid[] = []
    beforeAll(async () => {
      raids = await raid(ground, version, 'ana', protocols)
    }, MOST_MS)

    test.each([...new Set(attacks.map(({ group }) => group))])('%s', group => {
      const leaking = raids
        .filter(each => each.attack.group === group && each.leak !== undefined)
        .filter(({ attack }) => !knownLeaks.has(keyOf(attack)))
        .map(({ attack, protocol, leak }) => `${attack.name} (${protocol}) shows ${leak}`)
      expect(leaking).toEqual([])
    })

    test('what is known to leak still does: or it is to be taken from the list', () => {
      const leaking = raids.filter(({ leak }) => leak !== undefined).map(each => keyOf(each.attack))
      expect([...knownLeaks].filter(name => !leaking.includes(name))).toEqual([])
    })
  })
}
