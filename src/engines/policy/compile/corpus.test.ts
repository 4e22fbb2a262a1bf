// Cedar's own test vectors: hand-written ones and 1,561 generated programs with eight requests each.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Json } from '#model'
import { toJsonForm } from '../cedar.ts'
import { slices } from '../tokens.ts'
import { authorize } from './authorize.ts'
import { parseExact, readEntities, readFields } from './entities-json.ts'
import { asArray, asObject, asString, readEntity } from './est.ts'
import { type CompiledPolicy, compilePolicy } from './policy.ts'
import { CedarRecord } from './values.ts'

const vectors = join(import.meta.dirname, '../../../../../shared/vectors/cedar')
const present = existsSync(vectors)
const unpacked: string[] = []

function compileFile(file: string): ReadonlyMap<string, CompiledPolicy> {
  const cut = slices(readFileSync(file, 'utf8'))
  return new Map(
    cut.map(({ text }, index) => {
      const answer = toJsonForm(text)
      if ('complaints' in answer) throw new Error(answer.complaints[0]?.message)
      return [`policy${index}`, compilePolicy(answer.form)]
    }),
  )
}

function sorted(list: Json | undefined): readonly string[] {
  return asArray(list).map(asString).sort()
}

/** Runs one file of requests; what differs, and how many were asked. */
function run(root: string, file: string): { asked: number; wrong: readonly string[] } {
  const test = asObject(parseExact(readFileSync(join(root, file), 'utf8')))
  const policies = compileFile(join(root, asString(test['policies'])))
  const entities = readEntities(
    parseExact(readFileSync(join(root, asString(test['entities'])), 'utf8')),
  )
  const wrong: string[] = []
  const requests = asArray(test['requests']).map(asObject)
  for (const request of requests) {
    const answer = authorize(policies, {
      principal: readEntity(request['principal']),
      action: readEntity(request['action']),
      resource: readEntity(request['resource']),
      context: new CedarRecord(readFields(request['context'])),
      entities,
    })
    const got = {
      decision: answer.decision,
      reason: [...answer.reasons].sort(),
      errors: [...answer.errors].sort(),
    }
    const want = {
      decision: request['decision'],
      reason: sorted(request['reason']),
      errors: sorted(request['errors']),
    }
    if (JSON.stringify(got) !== JSON.stringify(want)) {
      wrong.push(`${file} ${String(request['description'])}: ${JSON.stringify({ got, want })}`)
    }
  }
  return { asked: requests.length, wrong }
}

describe.skipIf(!present)(
  "Cedar's test vectors (left out when ../shared/vectors is absent)",
  () => {
    afterAll(() => {
      for (const folder of unpacked) rmSync(folder, { recursive: true, force: true })
    })

    it('the hand-written tests give the same decisions, reasons and errors', () => {
      const files = readdirSync(join(vectors, 'tests'), { recursive: true, encoding: 'utf8' })
      let asked = 0
      const wrong: string[] = []
      for (const file of files.filter(name => name.endsWith('.json'))) {
        const result = run(vectors, join('tests', file))
        asked += result.asked
        wrong.push(...result.wrong)
      }
      expect(wrong).toEqual([])
      expect(asked).toBeGreaterThan(50)
    })

    it('the generated corpus gives the same decisions, reasons and errors', () => {
      const folder = mkdtempSync(join(tmpdir(), 'cedar-corpus-'))
      unpacked.push(folder)
      execFileSync('tar', ['xzf', join(vectors, 'corpus-tests.tar.gz'), '-C', folder])
      const files = readdirSync(join(folder, 'corpus-tests'))
      const tests = files.filter(name => name.endsWith('.json') && !name.endsWith('.entities.json'))
      let asked = 0
      const wrong: string[] = []
      for (const file of tests) {
        const result = run(folder, join('corpus-tests', file))
        asked += result.asked
        wrong.push(...result.wrong)
      }
      expect(wrong).toEqual([])
      expect({ files: tests.length, asked }).toEqual({ files: 1561, asked: 12_488 })
    })
  },
)
