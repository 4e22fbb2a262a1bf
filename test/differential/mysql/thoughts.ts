// What the analyser thinks of a text, in the words of this suite.
import { readFile } from 'node:fs/promises'
import {
  createMysqlAnalyser,
  type MysqlAnalyser,
  mysqlGrammar,
  type Names,
  type ResolvedRelation,
  toStatement,
} from '../../../src/engines/sql/index.ts'
import type { Thought } from './suite.ts'
import { RELATIONS, ROUTINES } from './world.ts'

/** As the server of the suite reads. */
export const READING = {
  flavour: 'mariadb',
  version: 101_119,
  database: 'scratch',
} as const

const known = new Map<string, ResolvedRelation>(
  Object.entries(RELATIONS).map(([object, { kind, columns }]) => [
    object,
    { object, kind, columns },
  ]),
)

const names: Names = {
  resolve({ schema, name }) {
    const found = known.get(`${schema ?? 'scratch'}.${name}`)
    return found === undefined ? [] : [found]
  },
  functions: ({ schema, name }) =>
    ROUTINES.includes(name.toLowerCase()) && (schema ?? 'scratch') === 'scratch'
      ? [`scratch.${name.toLowerCase()}`]
      : [],
}

export type Think = (text: string) => Thought

export async function thinker(): Promise<Think> {
  const analyser: MysqlAnalyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
  return text => {
    const analysis = analyser.analyse(text, READING)
    if (!analysis.readable) {
      return { kind: 'refused', forward: text, sets: false, words: analysis.code }
    }
    const { operations } = toStatement(analysis, names, { text, phase: 'execute' })
    // What touches nothing may be asked by whoever may connect.
    const onlyReads = operations.every(({ action }) => action === 'read' || action === 'connect')
    return {
      kind: onlyReads ? 'read' : 'other',
      forward: analysis.forward,
      sets: analysis.statements.some(({ settings }) => settings.length > 0),
      words: operations
        .map(({ action, verb, object }) => `${action} ${verb} ${object.name}`)
        .join(', '),
    }
  }
}
