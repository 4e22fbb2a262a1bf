// A thread that explains commands: some texts take the grammar seconds, and then it is ended.
import { parentPort } from 'node:worker_threads'
import { loadExplainer } from '#engines/shell'

const explain = await loadExplainer()
parentPort?.on('message', (text: string) => parentPort?.postMessage(explain(text)))
parentPort?.postMessage('ready')
