// A thread that draws one terminal from its beginning to its end and keeps a screen now and then.
import { parentPort } from 'node:worker_threads'
import { type Keyframe, loadKeyframeReader } from '#engines/terminal'
import type { Asked } from './prompt-thread.ts'

const reader = await loadKeyframeReader()
parentPort?.on('message', (asked: Asked) => {
  const frames: Keyframe[] = (asked ?? []).flatMap(piece => reader.read(piece) ?? [])
  parentPort?.postMessage(frames)
  if (asked === undefined) parentPort?.close()
})
