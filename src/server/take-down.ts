// The way back: what was opened is closed in reverse.
import type { Log } from '#telemetry'

/** Steps of a stop that hang are left behind: SIGTERM ends the process within 10 s. */
const STEP_MS = 2_500

export type Undo = (() => unknown)[]

/** In reverse; a step that fails or hangs keeps no other from its turn. */
export async function takeDown(undo: Undo, log: Log): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(() => resolve('late'), STEP_MS)
    })
    try {
      const outcome = await Promise.race([step(), late])
      if (outcome === 'late') log.warn({ step: String(step).slice(0, 80) }, 'stop.step_late')
    } catch (error) {
      // Safe: everything ends in any case, and what could not be ended in order is said.
      log.error({ err: error }, 'stop.step_failed')
    }
    clearTimeout(timer)
  }
}
