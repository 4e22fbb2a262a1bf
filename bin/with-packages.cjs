// Installs what a fresh clone lacks, and nothing when it lacks nothing. Read by an older Node too.
//   node bin/with-packages.cjs            the npm packages that package-lock.json pins
//   node bin/with-packages.cjs --tests    and the servers and clients that the tests run against
'use strict'
const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const STAMP = path.join(ROOT, 'node_modules', '.installed-lock')

function installPackages() {
  const lock = crypto
    .createHash('sha256')
    .update(fs.readFileSync(path.join(ROOT, 'package-lock.json')))
    .digest('hex')
  if (fs.existsSync(STAMP) && fs.readFileSync(STAMP, 'utf8') === lock) return
  process.stdout.write('Installing the packages that package-lock.json pins (once) ...\n')
  // No install script is run: nothing we use needs one.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const done = spawnSync(
    npm,
    ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'],
    {
      cwd: ROOT,
      stdio: 'inherit',
      shell: process.platform === 'win32',
    },
  )
  if (done.status !== 0) fail('npm ci failed; its message is above.')
  fs.writeFileSync(STAMP, lock)
}

// What the tests talk to, as Debian names it, and a file that proves it is there.
const DEBIAN = {
  'postgresql-15': '/usr/lib/postgresql/15/bin/postgres',
  'postgresql-client-15': '/usr/lib/postgresql/15/bin/psql',
  pgbouncer: '/usr/sbin/pgbouncer',
  openssl: '/usr/bin/openssl',
  'python3-psycopg2': '/usr/lib/python3/dist-packages/psycopg2/__init__.py',
  'python3-psycopg': '/usr/lib/python3/dist-packages/psycopg/__init__.py',
  'default-jdk-headless': '/usr/bin/javac',
  'libpostgresql-jdbc-java': '/usr/share/java/postgresql.jar',
  chromium: '/usr/bin/chromium',
  'openssh-server': '/usr/sbin/sshd',
  'openssh-client': '/usr/bin/ssh',
  'dropbear-bin': '/usr/bin/dbclient',
  'putty-tools': '/usr/bin/plink',
  'python3-paramiko': '/usr/lib/python3/dist-packages/paramiko/__init__.py',
  'python3-asyncssh': '/usr/lib/python3/dist-packages/asyncssh/__init__.py',
  'ansible-core': '/usr/bin/ansible-playbook',
  curl: '/usr/bin/curl',
  rsync: '/usr/bin/rsync',
  'ssh-audit': '/usr/bin/ssh-audit',
  git: '/usr/bin/git',
  'nginx-light': '/usr/sbin/nginx',
  wrk: '/usr/bin/wrk',
  'python3-requests': '/usr/lib/python3/dist-packages/requests/__init__.py',
  'python3-httpx': '/usr/lib/python3/dist-packages/httpx/__init__.py',
  'mariadb-server': '/usr/lib/mysql/plugin/auth_ed25519.so',
  'mariadb-client': '/usr/bin/mariadb-dump',
  'php-cli': '/usr/bin/php',
  'php-mysql': '/usr/share/doc/php-mysql',
  'python3-pymysql': '/usr/lib/python3/dist-packages/pymysql/__init__.py',
  'python3-mysqldb': '/usr/lib/python3/dist-packages/MySQLdb/__init__.py',
  'libmariadb-java': '/usr/share/java/mariadb-java-client.jar',
  sysbench: '/usr/bin/sysbench',
  'kubernetes-client': '/usr/bin/kubectl',
  'python3-kubernetes': '/usr/lib/python3/dist-packages/kubernetes/__init__.py',
}

function installServers() {
  const missing = Object.keys(DEBIAN).filter(name => !fs.existsSync(DEBIAN[name]))
  if (missing.length === 0) return
  const mayInstall =
    fs.existsSync('/usr/bin/apt-get') &&
    typeof process.getuid === 'function' &&
    process.getuid() === 0
  if (!mayInstall) {
    fail(
      'The tests run against real servers and clients, and these are not on this machine: ' +
        missing.join(', ') +
        '.\nOn Debian or Ubuntu: sudo apt-get install ' +
        missing.join(' '),
    )
  }
  process.stdout.write('Installing for the tests: ' + missing.join(', ') + ' ...\n')
  const environment = Object.assign({}, process.env, { DEBIAN_FRONTEND: 'noninteractive' })
  const apt = args =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: environment })
  apt(['update', '-qq'])
  const done = withoutServices(() =>
    apt(['install', '-y', '-qq', '--no-install-recommends'].concat(missing)),
  )
  if (done.status !== 0) fail('apt-get could not install ' + missing.join(', ') + '.')
}

/** The tests start servers of their own: no package may start one (invoke-rc.d asks this file). */
function withoutServices(install) {
  const policy = '/usr/sbin/policy-rc.d'
  if (fs.existsSync(policy)) return install()
  fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return install()
  } finally {
    fs.rmSync(policy)
  }
}

/** The console, when its sources are not those that were built last. */
function buildWeb() {
  const hash = crypto.createHash('sha256')
  const add = folder => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true }).sort(byName)) {
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) add(file)
      else hash.update(entry.name).update('\0').update(fs.readFileSync(file)).update('\0')
    }
  }
  add(path.join(ROOT, 'web'))
  add(path.join(ROOT, 'src', 'contract'))
  // The console shows its figures.
  hash.update(fs.readFileSync(path.join(ROOT, 'docs', 'detectors.md')))
  hash.update(fs.readFileSync(path.join(ROOT, 'package-lock.json')))
  const sources = hash.digest('hex')
  const stamp = path.join(ROOT, 'dist', 'web.sources')
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === sources) return
  const done = spawnSync(
    process.execPath,
    [
      path.join(__dirname, 'node26.cjs'),
      path.join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js'),
      'build',
      '--config',
      path.join(ROOT, 'web', 'vite.config.ts'),
    ],
    { cwd: ROOT, stdio: 'inherit' },
  )
  if (done.status !== 0) fail('the console could not be built; the message is above.')
  fs.writeFileSync(stamp, sources)
}

function byName(a, b) {
  return a.name < b.name ? -1 : 1
}

function fail(message) {
  process.stderr.write('sallyport: ' + message + '\n')
  process.exit(1)
}

installPackages()
buildWeb()
if (process.argv.includes('--tests')) installServers()
