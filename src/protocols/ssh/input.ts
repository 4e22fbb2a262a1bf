// What a client types or sends, on its way to the host: at the host's pace, also when the host grants any window and
// reads nothing.
import type { Readable, Writable } from 'node:stream'
import type { Pressed } from './guard.ts'

/** Half a close is passed on: what reads to the end of its input (tar, git) ends by it. */
export function passInput(
  source: Readable,
  sink: Writable,
  pressed: Pressed,
  record: (chunk: Buffer) => void,
): void {
  source.on('data', (chunk: Buffer) => {
    // Nobody reads it any more: the rest is dropped, as the host's own shell would.
    if (!sink.writable) return
    record(chunk)
    const waits: Promise<void>[] = []
    if (!sink.write(chunk)) waits.push(drained(sink))
    const full = pressed()
    if (full !== undefined) waits.push(full)
    if (waits.length === 0) return
    source.pause()
    void Promise.all(waits).then(() => source.resume())
  })
  source.once('end', () => sink.end())
}

function drained(sink: Writable): Promise<void> {
  return new Promise(resolve => {
    const over = () => {
      sink.off('drain', over)
      sink.off('close', over)
      resolve()
    }
    sink.once('drain', over)
    sink.once('close', over)
  })
}
