// The workbench's own thread: answers one question after the other.
import { parentPort } from 'node:worker_threads'
import { answer, type BenchQuestion } from './bench.ts'

parentPort?.on('message', (question: BenchQuestion) => {
  try {
    parentPort?.postMessage({ answer: answer(question) })
  } catch (error) {
    // A defect of ours: whoever asked hears of it, and the thread goes on.
    parentPort?.postMessage({ failed: error instanceof Error ? error.message : 'unknown' })
  }
})
