import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The tests start hundreds of gateways and commands: what Node made of the sources for the first is kept for the others, by
 * the content of each (a third of the time in which one starts). Absent where the folder cannot be written: only slower.
 */
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules', '.cache', 'node')

/** Minutes long, or with browsers and servers of their own: begun first, so that no core waits for another at the end. */
const LONG = [/\/test\/(leaks|differential|lineage|console|e2e|corpus)\//, /\/test\/|\/demo\//]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONG.findIndex(each => each.test(moduleId))
      return found < 0 ? LONG.length : found
    }
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'demo/**/*.test.ts'],
    // Bounds of waits, not promises: on a machine with other work a second may take twenty.
    testTimeout: 120_000,
    hookTimeout: 400_000,
    expect: { poll: { timeout: 30_000 } },
    // (Half of what tests do is waiting: three keep two cores busy.)
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Node itself resolves `#room` through package.json and strips the types: tests run what ships.
    server: { deps: { external: [/node_modules/] } },
  },
})
