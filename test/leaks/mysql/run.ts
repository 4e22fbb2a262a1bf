// The leak suite of MySQL by hand: asks, and prints what leaks, what is refused and what no answer came for.
//   node bin/node26.cjs test/leaks/mysql/run.ts [--share N] [--mode text|binary] [--hand] [--refused]
import { parseArgs } from 'node:util'
import { startMysqlStage } from '../../e2e/mysql-stage.ts'
import { Asker, type Mode } from './ask.ts'
import { allowAllButSeeing } from './policies.ts'
import { dataClasses, RESET, SCHEMA, watch } from './schema.ts'
import { byHand, products } from './shapes.ts'

const { values: options } = parseArgs({
  options: {
    share: { type: 'string', default: '8' },
    mode: { type: 'string', default: '' },
    hand: { type: 'boolean', default: false },
    refused: { type: 'boolean', default: false },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)
const stage = await startMysqlStage({
  name: 'leaks',
  init: SCHEMA,
  policies: allowAllButSeeing,
  dataClasses,
  server: { 'lock-wait-timeout': '1', 'innodb-lock-wait-timeout': '1' },
  resource: { masking: { predicates: 'allow' } },
})
try {
  for (const mode of options.mode === '' ? (['text', 'binary'] as const) : [options.mode as Mode]) {
    for (const [name, shapes] of [
      ['by hand', byHand],
      ['products', options.hand ? [] : products(Number(options.share))],
    ] as const) {
      const asker = new Asker(
        { ...(await stage.through('ana')), database: 'leaks' },
        watch(),
        stage.server.files,
      )
      let [leaking, answered, touched] = [0, 0, 0]
      const began = performance.now()
      for (const shape of shapes) {
        const seen = await asker.ask(shape, mode)
        if (seen.leak) say(`LEAK ${seen.leak}`)
        if (seen.silent) say(`SILENT ${seen.silent}`)
        if (seen.answers.some(({ ended }) => ended)) say(`ENDED ${shape.steps.join(' ;; ')}`)
        if (seen.leak) leaking += 1
        if (seen.answered) answered += 1
        else if (options.refused) {
          const errors = seen.answers
            .map(({ error }) => error?.text)
            .filter(text => text !== undefined)
          say(`refused ${shape.steps.join(' ;; ')}: ${errors.join(' | ')}`)
        }
        if (seen.touched) touched += 1
        if (
          seen.touched &&
          /insert|update|delete|replace|create|alter|rename|load|call/.test(shape.steps.join())
        ) {
          await stage.server.query(RESET)
        }
      }
      asker.end()
      const ms = Math.round(performance.now() - began)
      say(
        `${mode}, ${name}: ${shapes.length} asked, ${leaking} leak, ${answered} answered whole, ${touched} in part, ${ms} ms`,
      )
    }
  }
} finally {
  await stage.stop()
}
