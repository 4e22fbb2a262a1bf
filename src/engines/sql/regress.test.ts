// PostgreSQL's own regression SQL: each statement gets operations or a refusal with a reason; nothing throws.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createPostgresAnalyser } from './index.ts'
import { literalFree } from './literal-free.ts'

const folder = resolve(import.meta.dirname, '../../../../shared/vectors/postgres-regress')
const left = existsSync(folder) ? '' : ' (left out: no ../shared/vectors)'

/** Pieces between semicolons at the ends of lines, without psql's own commands. */
function pieces(): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.sql'))
    .flatMap(name => readFileSync(join(folder, name), 'utf8').split(/;[ \t]*\n/))
    .map(piece =>
      piece
        .split('\n')
        .filter(line => !line.startsWith('\\'))
        .join('\n'),
    )
}

describe.skipIf(left !== '')(`the server’s own regression suite${left}`, () => {
  it('is read, or refused with a reason', async () => {
    const analyser = await createPostgresAnalyser()
    const counts = { read: 0, unreadable: 0, settings: 0 }
    for (const piece of pieces()) {
      const result = analyser.analyse(piece)
      if (result.readable) {
        counts.read++
        for (const each of result.statements)
          expect(each.operations.length, piece).toBeGreaterThan(0)
      } else {
        // No node of the grammar is unknown to us, and nothing is too deep or too large.
        expect(
          ['statement_unreadable', 'setting_refused'],
          `${piece}: ${result.message}`,
        ).toContain(result.code)
        if (result.code === 'setting_refused') counts.settings++
        else counts.unreadable++
        expect(result.message, piece).not.toContain('too complex')
      }
    }
    // Unreadable are halves of psql's scripts and what the suite itself gets wrong on purpose.
    expect(counts.read).toBeGreaterThan(39_000)
    expect(counts.settings).toBeLessThan(20)
  }, 120_000)

  it('says the same of a text whose literals do not matter, whatever they are', async () => {
    const cached = await createPostgresAnalyser()
    const fresh = await createPostgresAnalyser({ maxEntries: 0 })
    let tried = 0
    for (const piece of pieces()) {
      if (literalFree(piece) === undefined) continue
      const other = piece.replace(/'[^']*'/g, "'zz'").replace(/\b\d{1,9}\b/g, '7')
      if (literalFree(other) !== literalFree(piece)) continue
      tried++
      const first = cached.analyse(piece)
      // What the values alone make unreadable (`1` where only 0 may stand) is the server's to refuse.
      const own = fresh.analyse(other)
      if (first.readable && own.readable) expect(cached.analyse(other), other).toEqual(own)
    }
    expect(tried).toBeGreaterThan(5000)
  })
})
