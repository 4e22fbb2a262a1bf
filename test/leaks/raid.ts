// Runs the attacks in several steps through the gateway, by both protocols, and looks at every byte that comes back.

import { setTimeout as pause } from 'node:timers/promises'
import {
  bindFrame,
  describeFrame,
  executeFrame,
  parseFrame,
  queryFrame,
  syncFrame,
} from '../../src/protocols/postgres/relay-frames.ts'
import type { PostgresVersion } from '../servers/postgres.ts'
import { type Attack, attacks } from './attacks.ts'
import { watchFor } from './schema.ts'
import type { Ground, Who } from './stage.ts'
import type { Answer, Question } from './wire.ts'

export interface Raid {
  readonly attack: Attack
  readonly protocol: 'simple' | 'extended'
  readonly leak: string | undefined
  /** The server itself tells a value. */
  readonly tells: boolean
  /** What the first refusal or error of the gateway's answer says. */
  readonly words: string | undefined
}

export async function raid(
  ground: Ground,
  version: PostgresVersion,
  who: Who,
  protocols: readonly Raid['protocol'][],
  strict = false,
): Promise<readonly Raid[]> {
  const watch = watchFor({ ssn: who !== 'carl' })
  const raids: Raid[] = []
  for (const protocol of protocols) {
    const told = (attack: Attack, direct: readonly Answer[], through: readonly Answer[]) =>
      raids.push({
        attack,
        protocol,
        leak: watch.sees(Buffer.concat(through.map(({ bytes }) => bytes)))?.what,
        tells: watch.sees(Buffer.concat(direct.map(({ bytes }) => bytes))) !== undefined,
        words: through.map(errorOf).find(words => words !== undefined),
      })
    const all = attacks.filter(({ since }) => since <= version)
    const quiet = all.filter(attack => attack.undo === undefined && !isLoud(attack))
    // What changes nothing for others is asked in one go.
    const questions = quiet.map(({ steps }) => inTransaction(steps, protocol))
    const direct = await ground.direct(version, questions)
    const through = await ground.through(version, who, questions, strict)
    for (const [index, attack] of quiet.entries()) {
      told(attack, direct.slice(index, index + 1), through.slice(index, index + 1))
    }
    for (const attack of all.filter(each => !quiet.includes(each))) {
      const questions =
        attack.undo === undefined
          ? [inTransaction(attack.steps, protocol)]
          : attack.steps.map(step => ({ frames: framesOf(step, protocol), ready: 1 }))
      const direct = await ground.direct(version, questions)
      await undo(ground, version, attack)
      const through: Answer[] = []
      // Each step that is committed is a session of its own, on a catalog that was read in between.
      for (const question of questions) {
        through.push(...(await ground.through(version, who, [question], strict)))
        await pause(REREAD_MS)
      }
      await undo(ground, version, attack)
      told(attack, direct, through)
    }
  }
  return raids
}

/** Longer than a catalog takes to be read again. */
const REREAD_MS = 60

/** Changes definitions, so that the gateway is careful with all that comes before it has read them again. */
function isLoud({ steps }: Attack): boolean {
  return /\b(create|alter|drop|into temp|into t|analyze|do|call)\b/i.test(steps.join())
}

async function undo(ground: Ground, version: PostgresVersion, attack: Attack): Promise<void> {
  if (attack.undo === undefined) return
  // What was refused has nothing to be undone.
  for (const text of attack.undo.split('; ')) await ground.sql(version, text).catch(() => {})
}

function inTransaction(steps: readonly string[], protocol: Raid['protocol']): Question {
  const tidy = ['rollback', 'unlisten *', 'deallocate all', 'reset all', 'close all']
  return {
    frames: [
      queryFrame('begin'),
      ...steps.flatMap(step => framesOf(step, protocol)),
      ...tidy.map(text => queryFrame(text)),
    ],
    ready: 1 + steps.length + tidy.length,
  }
}

function framesOf(step: string, protocol: Raid['protocol']): readonly Uint8Array[] {
  const several = /;\s*\S/.test(step.replaceAll(/\$\$.*?\$\$|'[^']*'/g, ''))
  if (protocol === 'simple' || several) return [queryFrame(step)]
  return [
    parseFrame('', step),
    bindFrame('', ''),
    describeFrame('P', ''),
    executeFrame(''),
    syncFrame(),
  ]
}

function errorOf({ frames }: Answer): string | undefined {
  const error = frames.find(({ type }) => type === 'E')
  return error?.body.toString('utf8').replaceAll('\0', ' ')
}
