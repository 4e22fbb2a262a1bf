// What a survey found, in lines.

import { keyOf } from './attacks.ts'
import type { Verdict } from './judge.ts'
import type { Raid } from './raid.ts'

export interface Figures {
  readonly asked: number
  readonly answered: number
  readonly refused: number
  readonly failed: number
  readonly leaks: number
  readonly broken: number
  /** Of the columns that had to be told, those that were hidden: 0 to 1. */
  readonly falseMasks: number
}

export function figuresOf(verdicts: readonly Verdict[]): Figures {
  const count = (fits: (each: Verdict) => boolean) => verdicts.filter(fits).length
  const sum = (of: (each: Verdict) => number) => verdicts.reduce((all, each) => all + of(each), 0)
  return {
    asked: verdicts.length,
    answered: count(({ fate }) => fate === 'answered'),
    refused: count(({ fate }) => fate === 'refused'),
    failed: count(({ fate }) => fate === 'failed'),
    leaks: count(({ leak }) => leak !== undefined),
    broken: count(({ broken }) => broken !== undefined),
    falseMasks:
      sum(({ masked }) => masked) /
      Math.max(
        1,
        sum(({ plain }) => plain),
      ),
  }
}

/** One line for each verdict of a kind. */
export function linesOf(verdicts: readonly Verdict[], what: 'leak' | 'broken'): string[] {
  return verdicts
    .filter(each => each[what] !== undefined)
    .map(each => `${each[what]} (${each.mode}): ${each.query.sql}`)
}

export function report(verdicts: readonly Verdict[], list: boolean): string {
  const figures = figuresOf(verdicts)
  const lines = [
    `${figures.asked} asked, ${figures.answered} answered, ${figures.refused} refused, ${figures.failed} fail on the server too; ` +
      `${figures.leaks} leak, ${figures.broken} broken, ${(figures.falseMasks * 100).toFixed(2)} % hidden without need`,
    ...linesOf(verdicts, 'leak').map(line => `LEAK ${line}`),
    ...linesOf(verdicts, 'broken').map(line => `BROKEN ${line}`),
  ]
  const by = (name: string, key: (each: Verdict) => string) => {
    const groups = new Map<string, Verdict[]>()
    for (const each of verdicts) groups.set(key(each), [...(groups.get(key(each)) ?? []), each])
    for (const [group, these] of groups) {
      const { falseMasks, refused, asked } = figuresOf(these)
      if (falseMasks === 0 && refused === 0) continue
      lines.push(
        `  ${name} ${group}: ${(falseMasks * 100).toFixed(0)} % hidden without need, ${refused} of ${asked} refused`,
      )
    }
  }
  by('mode', ({ mode }) => mode)
  by('shape', ({ query }) => query.shape)
  by('words', ({ words, fate }) => (fate === 'refused' ? (words ?? '').slice(0, 130) : ''))
  if (list) {
    for (const { query, mode, masked, fate, words } of verdicts) {
      if (masked > 0) lines.push(`HIDDEN (${mode}) ${query.sql}`)
      if (fate === 'refused') lines.push(`REFUSED (${mode}) ${query.sql} -- ${words}`)
      if (fate === 'failed') lines.push(`FAILED (${mode}) ${query.sql} -- ${words}`)
    }
  }
  return `${lines.join('\n')}\n`
}

export function raidReport(raids: readonly Raid[], list: boolean): string {
  const leaking = raids.filter(({ leak }) => leak !== undefined)
  const telling = raids.filter(({ tells }) => tells)
  const refused = raids.filter(({ words }) => words?.includes('reason: '))
  const lines = [
    `${raids.length} attacks, ${telling.length} succeed on the server, ${refused.length} are refused, ${leaking.length} leak`,
  ]
  for (const { attack, protocol, leak, words } of list ? raids : leaking) {
    const fate = leak === undefined ? 'held' : `LEAK of ${leak}`
    const steps = attack.steps.join(';; ')
    lines.push(`${fate}: ${keyOf(attack)} (${protocol}): ${steps} -- ${words ?? ''}`)
  }
  return `${lines.join('\n')}\n`
}
